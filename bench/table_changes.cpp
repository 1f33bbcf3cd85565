// Changing, building and publishing at a steady rate.
#include "bench/table_changes.h"

#include <utility>

#include "bench/machine.h"

namespace viaduct {

using Clock = std::chrono::steady_clock;

TableChanges::TableChanges(const World& world, Published& published)
    : published_(published), state_(world.snapshot().desired()) {
    published_.publish(builder_.build(state_, published_.current()));
}

void TableChanges::start(unsigned cpu, double rate) {
    const auto interval = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(1 / rate));
    thread_ = std::jthread([=, this](const std::stop_token& stop) { run(stop, cpu, interval); });
}

std::vector<std::chrono::nanoseconds> TableChanges::stop() {
    thread_ = std::jthread();  // asks it to stop and joins it
    return std::exchange(took_, {});
}

void TableChanges::run(const std::stop_token& stop, unsigned cpu, std::chrono::nanoseconds interval) {
    stay_on(cpu);
    for (auto due = Clock::now() + interval; !stop.stop_requested(); due += interval) {
        std::this_thread::sleep_until(due);
        const auto begun = Clock::now();
        change();
        published_.publish(builder_.build(state_, published_.current()));
        took_.push_back(Clock::now() - begun);
        published_.reclaim();
    }
}

/// The first endpoint of a Service goes; with the next change it comes back, and the next Service has its turn.
void TableChanges::change() {
    auto& backends = state_.services.edit(service_).backends;
    if (gone_) {
        backends.insert(backends.begin(), *std::exchange(gone_, {}));
        service_ = (service_ + 1) % state_.services.size();
    } else {
        gone_ = backends.front();
        backends.erase(backends.begin());
    }
}

}  // namespace viaduct
