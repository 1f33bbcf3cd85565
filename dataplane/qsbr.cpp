// Memory and registration of the workers' grace period.
#include "dataplane/qsbr.h"

#include <rte_common.h>

#include <cstdlib>
#include <new>
#include <stdexcept>

namespace viaduct {

QsbrGrace::QsbrGrace() {
    const std::size_t size = RTE_ALIGN_CEIL(rte_rcu_qsbr_get_memsize(max_workers), RTE_CACHE_LINE_SIZE);
    state_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, size)));
    if (!state_) throw std::bad_alloc();
    if (rte_rcu_qsbr_init(state_.get(), max_workers) != 0) throw std::runtime_error("QSBR does not start");
}

void QsbrGrace::Free::operator()(rte_rcu_qsbr* state) const noexcept { std::free(state); }

QsbrGrace::Reader::Reader(QsbrGrace& grace, WorkerId worker) : state_(grace.state_.get()), id_(worker) {
    if (rte_rcu_qsbr_thread_register(state_, id_) != 0) throw std::runtime_error("a worker cannot register with QSBR");
    online();
}

QsbrGrace::Reader::~Reader() {
    offline();
    rte_rcu_qsbr_thread_unregister(state_, id_);
}

}  // namespace viaduct
