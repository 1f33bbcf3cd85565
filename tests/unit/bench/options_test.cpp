// The command line: what it means, and what it refuses.
#include "bench/options.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace viaduct {
namespace {

Options parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "viaduct-bench");
    return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(BenchOptions, DefaultsAreTheWholeMatrix) {
    const Options options = parse({});
    EXPECT_EQ(options.workloads.size(), workload_texts.size());
    EXPECT_EQ(options.flows, (std::vector<std::uint32_t>{1, 64'512, 1'032'192, 4'128'768}));
    EXPECT_EQ(options.bursts, (std::vector<unsigned>{32, 64}));
    EXPECT_EQ(options.runs, 10U);
    EXPECT_EQ(options.inner.size(), 2U);
    EXPECT_TRUE(options.hugepages);
    EXPECT_FALSE(parse({"--hugepages", "off"}).hugepages);
    EXPECT_FALSE(options.nic_checksums);
    EXPECT_TRUE(parse({"--checksums", "nic"}).nic_checksums);
}

TEST(BenchOptions, ListsAreSeparatedByCommas) {
    const Options options = parse({"--workload", "reply,first-packet", "--flows=1,2", "--ip", "6"});
    EXPECT_EQ(options.workloads, (std::vector{Workload::reply, Workload::first_packet}));
    EXPECT_EQ(options.flows, (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(options.inner, (std::vector{Family::v6}));
}

TEST(BenchOptions, RefusesWhatCannotBeMeasured) {
    const std::vector<std::vector<const char*>> wrong{
        {"--workload", "decrypt"}, {"--workload", ""},  {"--flows", "0"},   {"--flows", "9000000"},
        {"--flows", "1,x"},        {"--burst", "65"},   {"--burst", ""},    {"--ip", "5"},
        {"--outer", "none"},       {"--size", "60"},    {"--size", "1519"}, {"--runs", "0"},
        {"--cache", "tepid"},      {"--seconds", "-1"}, {"--nonsense"},     {"--hugepages", "on"},
        {"--checksums", "none"}};
    for (const auto& arguments : wrong)
        EXPECT_THROW((void)parse(arguments), std::invalid_argument) << arguments[0] << " " << arguments.back();
}

TEST(BenchOptions, SmallestSizeDependsOnTheFamily) {
    EXPECT_EQ(parse({"--size", "64", "--ip", "4"}).size, 64U);
    EXPECT_THROW((void)parse({"--size", "64", "--ip", "6"}), std::invalid_argument);
    EXPECT_EQ(parse({"--size", "78", "--ip", "6"}).size, 78U);
}

TEST(BenchOptions, HelpNamesEveryWorkloadsSource) {
    EXPECT_EQ(parse({"--help"}).action, Options::Action::help);
    EXPECT_NE(help_text().find("--list"), std::string::npos);
    for (const WorkloadText& text : workload_texts) EXPECT_NE(workload_list().find(text.name), std::string::npos);
}

}  // namespace
}  // namespace viaduct
