// Who was held up during a trial, and which trials are made anew for it.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include "bench/rig/change_windows.h"
#include "bench/rig/repeat.h"
#include "dataplane/eal.h"

namespace viaduct::rig {
namespace {

TEST(RigDisturbance, WeighsWhoWasHeldUp) {
    EXPECT_FALSE((Disturbance{.lasted = 1, .generator = 0.015, .workers = 0.004, .stolen = 0}).spoils());
    EXPECT_TRUE((Disturbance{.lasted = 1, .generator = 0.025, .workers = 0, .stolen = 0}).spoils());
    EXPECT_TRUE((Disturbance{.lasted = 1, .generator = 0, .workers = 0.006, .stolen = 0}).spoils());
    const Disturbance stolen{.lasted = 0.5, .generator = 0, .workers = 0.001, .stolen = 0.01};
    EXPECT_TRUE(stolen.spoils());
    EXPECT_EQ(stolen.text(), "a hypervisor took 10 ms of a CPU");
    EXPECT_FALSE(Disturbance().spoils());
}

TEST(RigDisturbance, FindsAGatewaysWorkersAndWhatTheyWaitFor) {
    std::promise<void> named, done;
    std::jthread worker([&, end = done.get_future()]() mutable {
        pthread_setname_np(pthread_self(), "worker-0");
        named.set_value();
        end.wait();
    });
    named.get_future().wait();
    const auto threads = worker_threads(getpid());
    done.set_value();
    ASSERT_EQ(threads.size(), 1U);
    EXPECT_TRUE(worker_threads(0).empty());
    EXPECT_EQ(thread_time("/nonexistent").waited, 0);
}

/// Two threads on one CPU: each waits while the other one runs.
TEST(RigDisturbance, SeesThatAThreadWaitsForItsCpu) {
    cpu_set_t before, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(allowed_cpus().front(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    {
        Watch watch({}, {allowed_cpus().front()});
        const std::jthread rival([](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
            }
        });
        const auto begin = std::chrono::steady_clock::now();
        double lasted = 0;
        Disturbance seen;
        while (!seen.spoils() && lasted < 30) {  // both are runnable: soon the scheduler switches
            lasted = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
            seen = watch.end(lasted, 0);
        }
        EXPECT_TRUE(seen.spoils());
        EXPECT_GT(seen.generator, 0);
        EXPECT_EQ(seen.workers, 0);
        watch.begin();
        EXPECT_EQ(watch.end(1, 0.5).generator, 0.5) << "it stood still, whatever the scheduler says";
    }
    EXPECT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

TEST(RigTrial, IsShortOfLoadWhenTheGeneratorIsSlowNotWhenItStoodStill) {
    Trial trial;
    trial.load = 1e6;
    trial.seconds = 1;
    trial.offered = 900'000;
    EXPECT_TRUE(trial.short_of_load());
    trial.stood_still = 0.1;
    EXPECT_FALSE(trial.short_of_load());
    trial.load = 0;
    EXPECT_FALSE(trial.short_of_load());
}

TEST(RigWindows, AreSortedByWhatHappenedInThem) {
    const std::vector<WindowCount> windows{{0, 100, 100}, {1, 100, 99}, {2, 100, 100},
                                           {3, 100, 50},  {4, 100, 90}, {5, 100, 100}};
    std::vector<Disturbance> held_up(5);  // nobody saw the last one's end
    for (Disturbance& one : held_up) one.lasted = 0.025;
    held_up[4].workers = 0.020;  // had begun in the one before
    const ReconfigurationWindows sorted = sort_windows(windows, held_up);
    EXPECT_EQ(sorted.with_change.windows, 2U);
    EXPECT_EQ(sorted.with_change.offered, 200U);
    EXPECT_EQ(sorted.with_change.lost, 0U);
    EXPECT_EQ(sorted.without.windows, 2U);
    EXPECT_EQ(sorted.without.lost, 1U);
    EXPECT_EQ(sorted.without.loss_ratio(), 0.005);
    EXPECT_EQ(sorted.held_up_with_change.lost, 10U);
    EXPECT_EQ(sorted.held_up_without.lost, 50U);
    EXPECT_EQ(WindowSum().loss_ratio(), 0);
}

TEST(RigWindows, ChangeEveryOtherTime) {
    unsigned changes = 0;
    ChangeWindows windows(10, Watch({}, {}), [&] { ++changes; });
    for (unsigned i = 0; i < 5; ++i) windows.begin();
    windows.end();
    EXPECT_EQ(changes, 3U);
    const ReconfigurationWindows sorted = windows.sort(std::vector<WindowCount>(5, {0, 10, 10}));
    EXPECT_EQ(sorted.seconds, 10);
    EXPECT_EQ(sorted.with_change.windows + sorted.held_up_with_change.windows, 3U);
    EXPECT_EQ(sorted.without.windows + sorted.held_up_without.windows, 2U);
}

/// A second in which a worker waited for so long.
Trial trial_with(double waited) {
    Trial trial;
    trial.disturbance = {.lasted = 1, .generator = 0, .workers = waited, .stolen = 0};
    return trial;
}

TEST(RigRepeat, TakesTheFirstTrialThatIsNotSpoiled) {
    std::vector<double> waits{0.3, 0.2, 0.001, 0};
    TrialTally tally;
    std::size_t made = 0;
    const Trial trial = least_disturbed([&] { return trial_with(waits.at(made++)); }, 4, tally);
    EXPECT_EQ(trial.disturbance.workers, 0.001);
    EXPECT_EQ(made, 3U);
    EXPECT_EQ(tally.trials, 1U);
    EXPECT_EQ(tally.repeated, 2U);
    EXPECT_EQ(tally.spoiled, 0U);
    EXPECT_EQ(tally.worst.workers, 0.3);
}

TEST(RigRepeat, ElseTheLeastDisturbedOne) {
    std::vector<double> waits{0.3, 0.1, 0.2};
    TrialTally tally;
    std::size_t made = 0;
    EXPECT_EQ(least_disturbed([&] { return trial_with(waits.at(made++)); }, 2, tally).disturbance.workers, 0.1);
    EXPECT_EQ(made, 3U);
    EXPECT_EQ(tally.spoiled, 1U);
}

TEST(RigRepeat, ComesToAnEndOnAHopelessMachine) {
    TrialTally tally;
    unsigned made = 0;
    for (unsigned i = 0; i < 100; ++i) (void)least_disturbed([&] { return ++made, trial_with(1); }, 4, tally);
    EXPECT_EQ(tally.trials, 100U);
    EXPECT_EQ(tally.spoiled, 100U);
    EXPECT_EQ(tally.repeated, 70U);
    EXPECT_EQ(made, 170U);
}

}  // namespace
}  // namespace viaduct::rig
