// How often it is said that the state gets old.
#include "control/age_log.h"

#include <gtest/gtest.h>

namespace viaduct {
namespace {

using namespace std::chrono_literals;

TEST(AgeLogTest, SaysItAfterAMinuteAndWheneverTheAgeHasDoubled) {
    const std::chrono::system_clock::time_point heard(1'000'000s);
    std::vector<SourceStatus> sources(2);
    sources[0].name = "a";
    sources[1].name = "b";
    sources[1].resources.resize(1);
    sources[1].resources[0].last_heard = heard;
    sources[1].resources[0].error = "refused";
    sources[1].errors = {"nodes: refused"};
    AgeLog log;
    std::vector<std::string> said;
    for (auto now = heard; now < heard + 1h; now += 1s)
        for (std::string& line : log.due(sources, now)) said.push_back(std::move(line));
    const auto line = [](const char* age) {
        return std::string("source b: forwarding goes on by what was known ") + age + " ago: nodes: refused";
    };
    EXPECT_EQ(said, (std::vector<std::string>{line("1 min"), line("2 min"), line("4 min"), line("8 min"),
                                              line("16 min"), line("32 min")}));
    sources[1].resources[0].error.clear();
    EXPECT_TRUE(log.due(sources, heard + 2h).empty());
    sources[1].resources[0].error = "refused again";
    sources[1].resources[0].last_heard = heard + 2h;
    EXPECT_TRUE(log.due(sources, heard + 2h + 59s).empty());
    EXPECT_EQ(log.due(sources, heard + 2h + 61s).size(), 1U) << "it begins anew";
}

}  // namespace
}  // namespace viaduct
