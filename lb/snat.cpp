// Spreading slots over workers, and clients over SNAT addresses.
#include "lb/snat.h"

#include <stdexcept>

namespace viaduct {
namespace {

std::uint32_t reduced(std::uint32_t hash, std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{hash} * count) >> 32U);
}

Ipv6 plus(const Ipv6& address, std::uint32_t n) noexcept {
    auto [high, low] = detail::halves(address);
    low += n;
    high += low < n ? 1U : 0U;
    Ipv6 sum;
    sum.bytes =
        std::bit_cast<decltype(sum.bytes)>(std::array{BigEndian<std::uint64_t>(high), BigEndian<std::uint64_t>(low)});
    return sum;
}

Ipv4 plus(Ipv4 address, std::uint32_t n) noexcept { return Ipv4::from_host(address.host() + n); }

}  // namespace

template <Address A>
A SnatPool<A>::choose(std::uint32_t client_hash) const noexcept {
    return plus(first, reduced(client_hash, count));
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
