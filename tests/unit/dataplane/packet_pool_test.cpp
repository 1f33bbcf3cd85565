// The pool of packet buffers, as drivers see it.
#include "dataplane/packet_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace viaduct {
namespace {

void note(rte_mempool*, void* addresses, void* element, unsigned) {
    static_cast<std::vector<std::uintptr_t>*>(addresses)->push_back(reinterpret_cast<std::uintptr_t>(element));
}

// net_af_xdp registers as many bytes with the kernel, from the page of the first buffer on.
TEST(PacketPoolTest, BuffersLieWithoutGapsSoThatTheKernelAcceptsEachOfThem) {
    const PacketPool pool = make_packet_pool({});
    std::vector<std::uintptr_t> buffers;
    rte_mempool_obj_iter(pool.get(), note, &buffers);
    ASSERT_EQ(buffers.size(), PoolNeeds{}.buffers());
    const std::size_t size = pool->header_size + pool->elt_size + pool->trailer_size;
    const auto [first, last] = std::ranges::minmax(buffers);
    EXPECT_EQ(last - first, (buffers.size() - 1) * size);
}

}  // namespace
}  // namespace viaduct
