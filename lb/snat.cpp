// Spreading slots over workers, and clients over SNAT addresses.
#include "lb/snat.h"

#include <stdexcept>

namespace viaduct {
namespace {

std::uint32_t reduced(std::uint32_t hash, std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{hash} * count) >> 32U);
}

struct Halves {  // of an IPv6 address, in host order
    std::uint64_t high, low;
};

Halves halves(const Ipv6& address) noexcept {
    const auto raw = address.raw();
    return {BigEndian<std::uint64_t>::from_raw(raw[0]).value(), BigEndian<std::uint64_t>::from_raw(raw[1]).value()};
}

Ipv6 plus(const Ipv6& address, std::uint32_t n) noexcept {
    auto [high, low] = halves(address);
    low += n;
    high += low < n ? 1U : 0U;
    Ipv6 sum;
    sum.bytes =
        std::bit_cast<decltype(sum.bytes)>(std::array{BigEndian<std::uint64_t>(high), BigEndian<std::uint64_t>(low)});
    return sum;
}

Ipv4 plus(Ipv4 address, std::uint32_t n) noexcept { return Ipv4::from_host(address.host() + n); }

bool within(const Ipv6& first, std::uint32_t count, const Ipv6& address) noexcept {
    const auto from = halves(first);
    const auto to = halves(address);
    const std::uint64_t borrow = to.low < from.low ? 1 : 0;
    return to.high - from.high - borrow == 0 && to.low - from.low < count;
}

bool within(Ipv4 first, std::uint32_t count, Ipv4 address) noexcept { return address.host() - first.host() < count; }

}  // namespace

template <Address A>
A SnatPool<A>::choose(std::uint32_t client_hash) const noexcept {
    return plus(first, reduced(client_hash, count));
}

template <Address A>
bool SnatPool<A>::contains(A address) const noexcept {
    return within(first, count, address);
}

template struct SnatPool<Ipv4>;
template struct SnatPool<Ipv6>;

SlotMap::SlotMap(unsigned workers) : workers_(workers) {
    if (workers == 0 || workers > max_workers) throw std::invalid_argument("workers: 1 to 32");
    for (unsigned slot = 0; slot < port_slots; ++slot) owner_[slot] = static_cast<WorkerId>(slot % workers);
}

unsigned SlotMap::own_slot(WorkerId worker, std::uint32_t hash) const noexcept {
    const unsigned owned = (port_slots - worker + workers_ - 1U) / workers_;  // worker, worker + workers_, …
    return worker + reduced(hash, owned) * workers_;
}

}  // namespace viaduct
