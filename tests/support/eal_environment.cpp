// Starts EAL for a test program and watches its packet buffers.
#include "tests/support/eal_environment.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <memory>

#include "dataplane/burst.h"
#include "dataplane/eal.h"

namespace viaduct {
namespace {

constexpr unsigned pool_size = 8191;
rte_mempool* pool = nullptr;

class EalEnvironment : public testing::Environment {
public:
    void SetUp() override {
        eal_ = std::make_unique<Eal>(EalOptions{.memory_mib = 256, .control_cpu = allowed_cpus().at(0)});
        pool = rte_pktmbuf_pool_create("test", pool_size, 256, mbuf_private_size, RTE_MBUF_DEFAULT_BUF_SIZE,
                                       SOCKET_ID_ANY);
        ASSERT_NE(pool, nullptr);
    }
    void TearDown() override {
        rte_mempool_free(pool);
        eal_.reset();
    }

private:
    std::unique_ptr<Eal> eal_;
};

/// Looks after the fixture is gone: what a pipeline held until its end is no leak.
class LeakWatch : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo& test) override {
        if (pool == nullptr) return;
        EXPECT_EQ(rte_mempool_avail_count(pool), pool_size - lost_) << test.name() << " kept packet buffers";
        lost_ = pool_size - rte_mempool_avail_count(pool);
    }
    unsigned lost_ = 0;  // by earlier tests: blamed once
};

const bool registered = [] {
    testing::AddGlobalTestEnvironment(new EalEnvironment);  // owned by GoogleTest, as is the listener
    testing::UnitTest::GetInstance()->listeners().Append(new LeakWatch);
    return true;
}();

}  // namespace

rte_mempool* test_pool() { return registered ? pool : nullptr; }

}  // namespace viaduct
