// The data path's grace period: QSBR, one reader per worker.
#pragma once

#include <rte_rcu_qsbr.h>

#include <memory>

#include "lb/snat.h"
#include "tables/published.h"

namespace viaduct {

class QsbrGrace final : public GracePeriod {
public:
    QsbrGrace();

    [[nodiscard]] std::uint64_t start() override { return rte_rcu_qsbr_start(state_.get()); }
    [[nodiscard]] bool elapsed(std::uint64_t token) override {
        return rte_rcu_qsbr_check(state_.get(), token, false) == 1;
    }

    /// A worker's registration. Online while it may hold a snapshot; a worker that sleeps must be offline, or it would
    /// stall every release of memory. Worker thread only.
    class Reader {
    public:
        Reader(QsbrGrace& grace, WorkerId worker);
        ~Reader();
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;

        /// What was read before is not used any more.
        void quiescent() noexcept { rte_rcu_qsbr_quiescent(state_, id_); }
        void online() noexcept { rte_rcu_qsbr_thread_online(state_, id_); }
        void offline() noexcept { rte_rcu_qsbr_thread_offline(state_, id_); }

    private:
        rte_rcu_qsbr* state_;
        unsigned id_;
    };

private:
    struct Free {
        void operator()(rte_rcu_qsbr* state) const noexcept;
    };
    std::unique_ptr<rte_rcu_qsbr, Free> state_;  // plain memory: needs no EAL
};

}  // namespace viaduct
