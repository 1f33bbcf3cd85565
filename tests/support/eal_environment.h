// EAL for unit tests: started once per test program, without hugepages, devices or files. A test that does not give
// every packet buffer back fails.
#pragma once

#include <rte_mempool.h>

namespace viaduct {

/// The pool that tests take packet buffers from, made as the gateway makes its own. Lives until the program ends.
[[nodiscard]] rte_mempool* test_pool();

}  // namespace viaduct
