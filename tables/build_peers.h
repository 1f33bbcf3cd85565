// The builder's part for peers: the path to each and the headers that lead there.
#pragma once

#include <vector>

#include "tables/build_routes.h"
#include "tables/desired.h"
#include "tables/next_hops.h"
#include "tables/snapshot.h"

namespace viaduct {

/// One Peer per desired peer, in the same order.
[[nodiscard]] HugeVector<Peer> build_peers(const DesiredState& desired, NextHopList& hops);

}  // namespace viaduct
