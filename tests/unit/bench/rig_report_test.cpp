// The rig's options and reports: pure text in, pure text out.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/rig/options.h"
#include "bench/rig/plot.h"
#include "bench/rig/report.h"

namespace viaduct::rig {
namespace {

RigOptions parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "rig");
    return parse_rig_options(static_cast<int>(arguments.size()), arguments.data());
}

std::string refusal(const std::vector<const char*>& arguments) {
    try {
        parse(arguments);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

TEST(RigOptions, DefaultsAreForAMinuteOrTwo) {
    const RigOptions options = parse({});
    EXPECT_EQ(options.workloads, (std::vector{Workload::encap, Workload::decap, Workload::service}));
    EXPECT_EQ(options.sizes.size(), 1U);
    EXPECT_EQ(options.pdr, 0.005);
    EXPECT_EQ(options.width, 0.005);
    EXPECT_FALSE(options.tests.soak);
    EXPECT_TRUE(options.tests.latency);
}

TEST(RigOptions, TakesLists) {
    const RigOptions options =
        parse({"--workload", "all", "--size", "all", "--flows", "1,1000", "--tests", "search,soak", "--ip", "6"});
    EXPECT_EQ(options.workloads.size(), workload_texts.size());
    EXPECT_EQ(options.sizes.size(), 8U);
    EXPECT_EQ(options.flows, (std::vector<std::uint32_t>{1, 1'000}));
    EXPECT_TRUE(options.tests.soak);
    EXPECT_FALSE(options.tests.latency);
    EXPECT_EQ(options.inner, Family::v6);
}

TEST(RigOptions, NamesWhatItRefuses) {
    EXPECT_EQ(refusal({"--size", "63"}), "--size '63': expected imix or a number from 64 to 1518");
    EXPECT_EQ(refusal({"--ip", "both"}), "--ip 'both': expected 4 or 6; run it once for each");
    EXPECT_EQ(refusal({"--ports", "ring"}), "--ports 'ring': expected memif, vhost or veth");
    EXPECT_EQ(refusal({"--attach", "x.sock"}), "--attach needs --outside and --underlay, the rig's own devices");
    EXPECT_NE(refusal({"--attach", "-", "--outside", "a", "--underlay", "b"}).find("needs --outside-mac"),
              std::string::npos);
    EXPECT_NE(refusal({"--outside-mac", "02"}).find("expected an Ethernet address"), std::string::npos);
    EXPECT_EQ(refusal({"--outside", "a", "--underlay", "b"}), "--outside and --underlay go with --attach");
    EXPECT_NE(refusal({"--backends", "150"}).find("a multiple of --services"), std::string::npos);
    EXPECT_NE(refusal({"--tests", "latency"}).find("search among them"), std::string::npos);
    EXPECT_NE(refusal({"--new-flows", "10", "--workload", "reply"}).find("answers need to know"), std::string::npos);
    EXPECT_NE(refusal({"--flows", "0"}), "");
    EXPECT_NE(refusal({"--nonsense"}), "");
    EXPECT_NE(rig_help().find("Examples\n  viaduct-bench rig "), std::string::npos);
}

Results some_results() {
    Results results;
    results.machine.cpu = "A <fast> CPU & more";
    results.command = "viaduct-bench rig --html \"x\"";
    results.ports = "memif";
    results.worker_cpus = {1, 3};
    Case one;
    one.workload = "service";
    one.direction = "outside to underlay";
    one.size = "64";
    one.mean_size = 64;
    one.flows = 1024;
    one.throughputs = {{"NDR", 0, 2.8e6, 2.81e6, true, 40}, {"PDR", 0.005, 3e6, 3.01e6, true, 40}};
    one.overload = {.offered = 5e6,
                    .received = 3.2e6,
                    .losses = {900'000, 899'000, {{"no_route", 900}}},
                    .generator_busy = 1,
                    .gateway_busy = 0.98,
                    .pipeline_share = 0.4,
                    .disturbance = {}};
    one.idle_at_pdr = 0.3;
    one.stages = {{"parse", 30}, {"track", 50}};
    one.latency = {{50, 1.5e6, 0, {{0, 3}, {50, 8.25}, {99, 20}, {100, 90}}}};
    one.loss = {{1e6, 0, 0, 0, 3, false}, {4e6, 0.25, 0.2, 0.5, 2, true}};
    one.by_flows = {{1, 4e6, 80, 0}, {1024, 3e6, 120, 0}};
    one.burst = BackToBack{2'048, 5e6, false};
    one.reconfiguration = Reconfiguration{60,
                                          4'500'000,
                                          {1'500, 0, {}},
                                          1.5e6,
                                          3,
                                          1'024,
                                          100,
                                          0,
                                          {},
                                          {0.025, {50, 3'700'000, 0}, {52, 3'800'000, 37}, {}, {3, 200'000, 1'463}}};
    results.cases = {one};
    return results;
}

TEST(RigReport, JsonHoldsTheFigures) {
    const auto all = nlohmann::json::parse(json_report(some_results()));
    const auto& one = all["cases"][0];
    EXPECT_EQ(one["throughput"][1]["lower_fps"], 3'000'000);
    EXPECT_EQ(one["cycles_by_stage"]["track"], 50.0);
    EXPECT_EQ(one["latency"][0]["microseconds_by_percentile"]["50"], 8.25);
    EXPECT_EQ(one["reconfiguration"]["blocked_seconds"], 0.001);
    EXPECT_EQ(one["reconfiguration"]["lost"], 1'500);
    EXPECT_EQ(one["reconfiguration"]["windows"]["with_change"]["lost"], 0);
    EXPECT_EQ(one["reconfiguration"]["windows"]["without_change"]["loss_ratio"], 37 / 3.8e6);
    EXPECT_EQ(one["reconfiguration"]["windows"]["held_up_without_change"]["windows"], 3);
    EXPECT_EQ(one["frame_loss"][1]["loss_ratio"], 0.25);
    EXPECT_EQ(one["frame_loss"][1]["most"], 0.5);
    EXPECT_EQ(one["frame_loss"][1]["trials"], 2);
    EXPECT_EQ(one["frame_loss"][1]["spoiled"], true);
    EXPECT_EQ(one["overload"]["gateway_busy"], 0.98);
    EXPECT_EQ(one["overload"]["gateway_drops"]["no_route"], 900);
    EXPECT_FALSE(one["limits"].empty());
}

TEST(RigReport, CsvHasALineForEachThroughput) {
    const std::string csv = csv_report(some_results());
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
    EXPECT_NE(csv.find("\nservice,4,4,64,1024,0,PDR,0.005,3000000,3010000,2.016,yes\n"), std::string::npos) << csv;
}

TEST(RigReport, ThePageNeedsNothingElse) {
    const std::string page = html_report(some_results());
    for (const char* foreign : {"<script", "http", "src=", "url(", "@import", "<link"})
        EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
    EXPECT_NE(page.find("A &lt;fast&gt; CPU &amp; more"), std::string::npos);
    EXPECT_EQ(page.find("<fast>"), std::string::npos);
    for (const char* part :
         {"Frame loss by load", "Latency", "Cycles by stage", "Cost by number of flows", "2.800", "3.000", "60 changes",
          "2048 frames", "<td>with a change</td><td>50</td><td>3700000</td><td>0</td>",
          "<td>without, a worker kept from its CPU</td><td>3</td><td>200000</td><td>1463</td>", "What limits",
          "its workers on CPU 1, 3"})
        EXPECT_NE(page.find(part), std::string::npos) << part;
    EXPECT_EQ(page.find("nan"), std::string::npos);
    EXPECT_EQ(page.find("inf\""), std::string::npos);
}

TEST(RigReport, TextTellsLossWithAChangeFromLossWithout) {
    const std::string text = text_report(some_results());
    for (const char* part :
         {"Windows of 25 ms with a change: 50 with 3700000 frames lost 0 (0.0000 %); without: 52 with",
          "A worker was kept from its CPU, with a change: 0 with", "; without: 3 with 200000 frames lost 1463"})
        EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(RigReport, ACaseWithoutFiguresIsReportedToo) {
    Results results = some_results();
    results.cases = {Case{}};
    results.cases[0].loss = {LossPoint{}};
    results.cases[0].throughputs = {{"NDR", 0, {}, 1'000.0, true, 3}};
    EXPECT_EQ(html_report(results).find("nan"), std::string::npos);
    EXPECT_NE(text_report(results).find("NDR: - to 0.001 Mpps"), std::string::npos);
}

std::string limits(const Results& results) {
    std::string text;
    for (const std::string& limit : limits_of(results, results.cases[0])) text += limit + "\n";
    return text;
}

TEST(RigLimits, NameWhoWasFull) {
    Results results = some_results();
    Overload& over = results.cases[0].overload;
    EXPECT_NE(limits(results).find("The gateway is the limit"), std::string::npos);
    EXPECT_EQ(limits(results).find("NDR lies far below"), std::string::npos);
    over.received = 4.99e6;
    EXPECT_NE(limits(results).find("both at their limits"), std::string::npos);
    over.gateway_busy = 0.5;
    EXPECT_NE(limits(results).find("The generator is the limit: the gateway forwarded"), std::string::npos);
    over.received = 3e6;
    EXPECT_NE(limits(results).find("Neither is the limit"), std::string::npos);
    over.gateway_busy.reset();
    EXPECT_NE(limits(results).find("The gateway is the limit"), std::string::npos) << "it could not be asked";
    over.disturbance = {.lasted = 0.5, .generator = 0, .workers = 0.1, .stolen = 0};
    EXPECT_NE(limits(results).find("cannot be told: meanwhile a worker of the gateway waited 100.0 ms"),
              std::string::npos);
    over.disturbance = {};
    over.losses.drops = {{"transmit_refused", 600'000}};
    EXPECT_NE(limits(results).find("The generator is the limit: it takes"), std::string::npos);
}

TEST(RigLimits, SayItInNumbers) {
    const std::string text = limits(some_results());
    for (const char* part : {"5.00 Mpps were offered and 3.20 Mpps came back", "generator was busy for 100.0 %",
                             "workers for 98.0 %", "stages 40.0 %", "900000 frames were lost", "refused 899000",
                             "dropped 900 (no_route 900)", "the ports lost 100 that"})
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(RigLimits, NameSpoiledTrials) {
    Results results = some_results();
    EXPECT_NE(limits(results).find("spoiled of 1 points of the frame loss curve"), std::string::npos);
    results.cases[0].loss.pop_back();
    EXPECT_EQ(limits(results).find("spoiled"), std::string::npos);
    TrialTally& tally = results.cases[0].tally;
    tally = {.trials = 40, .repeated = 7, .spoiled = 2};
    tally.note({.lasted = 0.25, .generator = 0, .workers = 0.0632, .stolen = 0});
    tally.note({.lasted = 0.01, .generator = 0.001, .workers = 0, .stolen = 0});
    const std::string text = limits(results);
    EXPECT_NE(text.find("7 trials beside the 40 that count were spoiled"), std::string::npos) << text;
    EXPECT_NE(text.find("a worker of the gateway waited 63.2 ms for its CPU"), std::string::npos) << text;
    EXPECT_NE(text.find(" 2 count though they are spoiled"), std::string::npos) << text;
}

TEST(RigLimits, NameNoise) {
    Results results = some_results();
    results.cases[0].throughputs[0].lower = 1e6;
    results.cases[0].throughputs[1].complete = false;
    results.steal = 0.01;
    results.shares_control_cpu = true;
    const std::string text = limits(results);
    for (const char* part :
         {"NDR lies far below PDR", "search for the PDR did not", "1.0 % of the CPUs", "shares its CPU"})
        EXPECT_NE(text.find(part), std::string::npos) << part;
}

TEST(RigPlot, PutsPointsWhereTheyBelong) {
    const std::string plot = line_plot({"x"}, {"y"}, {{"a", {{0, 0}, {10, 50}}}});
    EXPECT_NE(plot.find("points=\"66.0,254.0 610.0,12.0 \""), std::string::npos) << plot;
    const std::string decades = line_plot({"x", true}, {"y"}, {{"a", {{1, 0}, {10, 1}, {100, 1}}}});
    EXPECT_NE(decades.find("338.0,12.0"), std::string::npos) << decades;
}

TEST(RigPlot, BarsAddUp) {
    const std::string plot = bar_plot("cycles", {"parse", "track"}, {{"one", {25, 75}}, {"half", {25, 25}}});
    EXPECT_NE(plot.find("width=\"247.5\""), std::string::npos) << plot;
    EXPECT_NE(plot.find(">100 cycles<"), std::string::npos);
    EXPECT_NE(plot.find(">50 cycles<"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::rig
