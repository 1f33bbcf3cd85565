// The grace period: over when every online reader has been quiescent.
#include "dataplane/qsbr.h"

#include <gtest/gtest.h>

namespace viaduct {
namespace {

TEST(Qsbr, IsOverAtOnceWithoutReaders) {
    QsbrGrace grace;
    EXPECT_TRUE(grace.elapsed(grace.start()));
}

TEST(Qsbr, WaitsForEveryReader) {
    QsbrGrace grace;
    QsbrGrace::Reader first(grace, 0), second(grace, 31);
    const std::uint64_t token = grace.start();
    EXPECT_FALSE(grace.elapsed(token));
    first.quiescent();
    EXPECT_FALSE(grace.elapsed(token));
    second.quiescent();
    EXPECT_TRUE(grace.elapsed(token));
}

TEST(Qsbr, DoesNotWaitForSleepers) {
    QsbrGrace grace;
    QsbrGrace::Reader reader(grace, 3);
    reader.offline();
    EXPECT_TRUE(grace.elapsed(grace.start()));
    reader.online();
    EXPECT_FALSE(grace.elapsed(grace.start()));
}

TEST(Qsbr, DoesNotWaitForReadersThatEnded) {
    QsbrGrace grace;
    std::uint64_t token = 0;
    {
        const QsbrGrace::Reader reader(grace, 3);
        token = grace.start();
        EXPECT_FALSE(grace.elapsed(token));
    }
    EXPECT_TRUE(grace.elapsed(token));
}

}  // namespace
}  // namespace viaduct
