// SCTP's checksum (CRC32c, RFC 9260 Appendix A) after a change of ports, without reading the packet again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "encap/wire.h"

namespace viaduct {

/// Rewrites the ports and updates the checksum. A CRC is linear: the difference that the ports make depends on them and
/// on the number of bytes behind them alone. So a wrong checksum stays wrong, and the payload need not be there.
/// `length`: of the whole SCTP packet, header included; at least sizeof(SctpHeader).
void rewrite_sctp_ports(SctpHeader& sctp, std::size_t length, Be16 source, Be16 destination) noexcept;

}  // namespace viaduct
