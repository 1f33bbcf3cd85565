// A look at every received frame: the headers always, every checksum when asked.
#pragma once

#include "bench/rig/frame.h"

namespace viaduct::rig {

template <Address A>
struct Seen {
    const char* fault = nullptr;  // what is wrong; then the rest means nothing
    bool background = false;      // sent to a group: the gateway's kernel speaks ND or MLD
    Stamp stamp{};
    Flow<A> flow{};  // as it was emitted, with the peer in whose tunnel it is
};

/// Takes a frame apart without the data path's code. `tunnelled`: by which port it came. `sums`: look at checksums too.
template <Address A>
[[nodiscard]] Seen<A> inspect(const Site& site, const rte_mbuf& mbuf, bool tunnelled, bool sums) noexcept;

extern template Seen<Ipv4> inspect(const Site&, const rte_mbuf&, bool, bool) noexcept;
extern template Seen<Ipv6> inspect(const Site&, const rte_mbuf&, bool, bool) noexcept;

}  // namespace viaduct::rig
