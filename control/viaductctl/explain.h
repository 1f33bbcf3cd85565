// `viaductctl explain`: what the gateway would do with a packet, step by step, and why.
#pragma once

#include <iosfwd>

#include "control/viaductctl/client.h"

namespace viaduct {

/// The gateway's answer to a question (parameters of /v1/explain) as text, or as it came.
void explain(const Client::Parameters& question, bool json, const Client& client, std::ostream& out);

}  // namespace viaduct
