// `viaductctl wait`: until the gateway forwards by what its sources say.
#pragma once

#include <chrono>
#include <iosfwd>

#include "control/viaductctl/client.h"

namespace viaduct {

/// Returns once every source was read and published; until `timeout` also waits for the gateway to appear. Throws
/// CommandError with what was missing last.
void wait_until_ready(std::chrono::duration<double> timeout, bool json, const Client& client, std::ostream& out);

}  // namespace viaduct
