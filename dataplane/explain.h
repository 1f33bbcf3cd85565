// Explain: what the pipeline would do with one packet, told by the pipeline itself.
#pragma once

#include <rte_mempool.h>

#include "tables/gateway_view.h"

namespace viaduct {

/// Sends a synthetic packet through the stages of a pipeline of its own, without connections and without anything
/// leaving, and writes down what each stage decided. One mbuf of `pool` is borrowed. Not for worker threads. Throws
/// std::invalid_argument when the question names a port or peer that does not exist, or mixes families.
[[nodiscard]] Explanation explain(const Question& question, const Snapshot& snapshot, rte_mempool* pool);

}  // namespace viaduct
