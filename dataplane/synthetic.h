// The packet that a question describes, as it would arrive on a port.
#pragma once

#include <rte_mbuf.h>

#include "tables/gateway_view.h"

namespace viaduct {

/// A frame with right checksums: TCP SYN, UDP datagram or ICMP echo request, plain or in a tunnel from a peer.
/// `ingress` is where it arrives. The caller frees it. Throws std::invalid_argument, or std::runtime_error when the
/// pool is empty.
[[nodiscard]] rte_mbuf* synthetic_packet(const Question& question, const Snapshot& snapshot, rte_mempool* pool,
                                         PortId& ingress);

}  // namespace viaduct
