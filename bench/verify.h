// Whether what came out is right: taken apart and summed without the data path's code.
#pragma once

#include <rte_mbuf.h>

#include <stdexcept>
#include <string>

#include "bench/traffic.h"

namespace viaduct {

/// The data path did something wrong: nothing that was timed counts.
struct WrongOutput : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The flow that an emitted packet belongs to, after every header and checksum of it has been found to be right.
/// Throws WrongOutput.
template <Address A>
[[nodiscard]] Flow<A> dissect(const World& world, const rte_mbuf& mbuf);

/// That this is where a new flow to a Service may go: to a backend of that Service, in its peer's tunnel, from an
/// address and port of the gateway's own. Throws WrongOutput.
template <Address A>
void check_choice(const World& world, const Flow<A>& received, const Flow<A>& emitted);

/// Throws WrongOutput unless they are equal.
template <Address A>
void check_flow(const Flow<A>& expected, const Flow<A>& emitted);

/// A number that depends on every byte of the packet's headers and their places, and on its length.
[[nodiscard]] std::uint64_t digest(const rte_mbuf& mbuf) noexcept;

extern template Flow<Ipv4> dissect(const World&, const rte_mbuf&);
extern template Flow<Ipv6> dissect(const World&, const rte_mbuf&);
extern template void check_choice(const World&, const Flow<Ipv4>&, const Flow<Ipv4>&);
extern template void check_choice(const World&, const Flow<Ipv6>&, const Flow<Ipv6>&);
extern template void check_flow(const Flow<Ipv4>&, const Flow<Ipv4>&);
extern template void check_flow(const Flow<Ipv6>&, const Flow<Ipv6>&);

}  // namespace viaduct
