// The control thread's loop: sources and the kernel in, snapshots out.
#include "control/controller.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <set>
#include <system_error>

#include "control/age_log.h"
#include "control/cluster_links.h"
#include "control/desired/desired_state.h"
#include "control/host_interface.h"
#include "control/kernel/kernel_watcher.h"
#include "control/neighbour_keeper.h"
#include "control/programming_latency.h"
#include "control/reconcile.h"
#include "control/sources/source.h"
#include "control/unique_fd.h"
#include "control/writers/address_book.h"
#include "tables/builder.h"

namespace viaduct {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds busy_tick{5};   // while workers miss neighbours or old snapshots wait to be freed
constexpr milliseconds idle_tick{20};  // how long a first packet to a new neighbour may wait for its ARP
constexpr std::chrono::seconds chore_interval{1};
constexpr std::chrono::seconds leave_time{3};

sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

UniqueFd open_signals() {
    const sigset_t signals = stop_signals();
    return checked(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd");
}

spdlog::level::level_enum level_of(Severity severity) {
    switch (severity) {
        case Severity::note:
            return spdlog::level::info;
        case Severity::warning:
            return spdlog::level::warn;
        case Severity::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

}  // namespace

void block_stop_signals() {
    const sigset_t signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

class Controller::Impl {
public:
    Impl(Config config, GatewayView& view, Published& published)
        : config_(std::move(config)),
          view_(view),
          published_(published),
          epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
          stop_(checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
          signals_(open_signals()) {
        for (const SourceConfig& source : config_.sources) {
            const NetworkConfig& network = network_of(source);
            sources_.push_back(open_source(source, network));
            source_objects_.push_back({network.name, &sources_.back()->objects()});
            links_.add(source, network, *sources_.back());
            follow(sources_.back()->fd());
        }
        follow(kernel_.fd());
        follow(stop_.get());
        follow(signals_.get());
        store_status();
    }

    void run(const std::function<void()>& on_ready) {
        block_stop_signals();
        publish();
        bool announced = false;
        auto next_tick = Clock::now(), next_chores = next_tick + chore_interval;
        while (!stopping_) {
            if (version_ != 0 && !std::exchange(announced, true) && on_ready) on_ready();
            wait_until(std::min(publish_at_ ? std::min(*publish_at_, next_tick) : next_tick, links_.due()));
            take_events();
            links_.run();
            const auto now = Clock::now();
            if (now >= next_tick) next_tick = now + (tick() ? busy_tick : idle_tick);
            if (now >= next_chores) {
                next_chores = now + chore_interval;
                chores(now);
            }
            if (publish_at_ && now >= *publish_at_) publish();
        }
        take_leave();
    }

    void stop() noexcept {
        const std::uint64_t one = 1;
        // It cannot fail: the counter is far from full.
        [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
    }

    [[nodiscard]] ControlStatus status() const {
        const std::lock_guard lock(status_mutex_);
        return status_;
    }

private:
    [[nodiscard]] const NetworkConfig& network_of(const SourceConfig& source) const {
        const auto named = std::ranges::find(config_.networks, source.network, &NetworkConfig::name);
        return named == config_.networks.end() ? config_.networks.front() : *named;
    }

    void follow(int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0)
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }

    void wait_until(Clock::time_point when) {
        const auto left = std::chrono::ceil<milliseconds>(when - Clock::now()).count();
        std::array<epoll_event, 16> events;
        const int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(std::max<std::int64_t>(left, 0)));
        for (int i = 0; i < n; ++i) ready_.insert(events[static_cast<std::size_t>(i)].data.fd);
    }

    void take_events() {
        if (take_stop(stop_) || take_stop(signals_)) stopping_ = true;
        for (const auto& source : sources_)
            if (ready_.contains(source->fd())) take_source(*source);
        if (ready_.contains(kernel_.fd())) take_kernel();
        ready_.clear();
    }

    /// Whether this one says stop. It is read, so that the next time is news.
    bool take_stop(const UniqueFd& from) {
        std::array<char, sizeof(signalfd_siginfo)> what;
        return ready_.contains(from.get()) && ::read(from.get(), what.data(), what.size()) > 0;
    }

    /// Tells other gateways that they may lead at once. Nobody waits long for that, and not at all who says it twice.
    void take_leave() {
        links_.release();
        stopping_ = false;
        for (const auto end = Clock::now() + leave_time; !links_.released() && !stopping_ && Clock::now() < end;) {
            wait_until(end);
            take_events();
            links_.run();
        }
    }

    void take_source(Source& source) {
        const bool changed = source.process();
        links_.heard();
        if (!changed) return;
        store_status();
        schedule(Clock::now());
    }

    void take_kernel() {
        try {
            if (kernel_.process()) schedule(Clock::now());
            kernel_problem_.clear();
        } catch (const NetlinkError& failed) {
            if (std::exchange(kernel_problem_, failed.what()) != kernel_problem_) spdlog::error("{}", failed.what());
        }
    }

    /// A change after a quiet time is published at once; those that follow it closely are gathered.
    void schedule(Clock::time_point now) {
        last_queued_ = std::chrono::system_clock::now();
        if (!publish_at_) publish_at_ = std::max(now, published_at_ + config_.debounce);
    }

    /// Whether to come back soon.
    bool tick() {
        const auto wanted = view_.take_neighbour_requests();
        neighbours_.ask(wanted, view_.ports(), kernel_);
        return published_.reclaim() != 0 || !wanted.empty();
    }

    void chores(Clock::time_point now) {
        for (const auto& source : sources_) take_source(*source);
        take_kernel();
        if (retry_) schedule(now);
        neighbours_.confirm(*published_.current(), view_.ports(), kernel_);
        links_.tell();
        store_status();
        for (const std::string& line : ages_.due(status_.sources, std::chrono::system_clock::now()))
            spdlog::warn("{}", line);
    }

    void publish() {
        publish_at_.reset();
        retry_ = false;
        const auto started = published_at_ = Clock::now();
        try {
            const std::vector<PortFacts> ports = view_.ports();
            std::vector<Finding> unread = unread_sources();
            addresses_.update(source_objects_, unread.empty());
            const DesiredState& wanted = keeper_.update({config_, source_objects_, kernel_.state(), ports,
                                                         version_ == 0 ? nullptr : &desired_, &addresses_.assigned()});
            note_all(std::move(unread));
            configure_host(wanted, ports);
            if (version_ == 0 || !(wanted == desired_)) replace(wanted, started);
            links_.update();
            publish_problem_.clear();
        } catch (const std::exception& failed) {
            // Fail static: what is published stays, and another try follows with the chores.
            retry_ = true;
            if (std::exchange(publish_problem_, failed.what()) != publish_problem_)
                spdlog::error("cannot publish: {}; the last state stays in force", failed.what());
        }
        store_status();
    }

    /// Backends are counted by what changed.
    void take_size(const DesiredState& state) {
        const ListDifference<DesiredService> different = difference(desired_.services, state.services);
        for (const DesiredService* service : different.before) size_.backends -= service->backends.size();
        for (const DesiredService* service : different.after) size_.backends += service->backends.size();
        size_ = {state.services.size(), size_.backends, state.peers.size(), state.routes.size()};
    }

    [[nodiscard]] std::vector<Finding> unread_sources() const {
        std::vector<Finding> findings;
        for (const auto& source : sources_)
            if (const SourceStatus status = source->status(); !status.synced)
                findings.push_back({Severity::note, "source " + status.name, "its objects have not been read yet",
                                    "nothing of it is forwarded until then: viaductctl show sources tells why"});
        return findings;
    }

    void replace(const DesiredState& state, Clock::time_point started) {
        const Changes changes = reconcile(desired_, state);
        auto next = builder_.build(state, published_.current());
        view_.steer(*next);
        version_ = next->version;
        published_.publish(std::move(next));
        take_size(state);
        desired_ = state;
        ++publications_;
        last_publication_ = std::chrono::system_clock::now();
        latency_.published(keeper_.fresh_slices(), last_publication_);
        last_build_ = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started);
        builds_.add(std::chrono::duration<double>(last_build_).count());
        spdlog::log(changes.only_neighbours() ? spdlog::level::debug : spdlog::level::info,
                    "published version {} in {} µs: {}", version_, last_build_.count(), changes.summary());
    }

    void configure_host(const DesiredState& state, std::span<const PortFacts> ports) {
        for (const HostInterface& interface : host_interfaces(state, ports)) {
            try {
                configure(interface, kernel_.state(), kernel_changes_);
            } catch (const NetlinkError& failed) {
                note_one(
                    {Severity::error, "host interface", failed.what(), "this host does not reach pods until then"});
            }
        }
    }

    /// What half a cluster lacks is no news: it has not come yet.
    void note_all(std::vector<Finding> unread) {
        const std::pair known{keeper_.findings_revision(), addresses_.revision()};
        if (unread.empty() && host_findings_ == 0 && noted_ == known) return;
        if (unread.empty()) {
            unread = keeper_.findings();
            const std::vector<Finding>& missing = addresses_.findings();
            unread.insert(unread.end(), missing.begin(), missing.end());
            noted_ = known;
        } else {
            noted_.reset();
        }
        note(std::move(unread));
    }
    /// Replaces the findings; each is logged when it is new.
    void note(std::vector<Finding> findings) {
        former_findings_.clear();
        for (const Finding& one : findings_) former_findings_.insert(text_of(one));
        findings_ = std::move(findings);
        host_findings_ = 0;
        for (const Finding& one : findings_)
            if (!former_findings_.contains(text_of(one))) log(one);
    }
    void note_one(Finding finding) {
        if (!former_findings_.contains(text_of(finding))) log(finding);
        findings_.push_back(std::move(finding));
        ++host_findings_;
    }
    static std::string text_of(const Finding& one) { return one.subject + ": " + one.text; }
    static void log(const Finding& one) {
        spdlog::log(level_of(one.severity), "{}: {} ({})", one.subject, one.text, one.remedy);
    }

    void store_status() {
        ControlStatus status;
        for (const auto& source : sources_) status.sources.push_back(source->status());
        links_.describe(status.sources);
        status.findings = findings_;
        std::ranges::move(links_.findings(), std::back_inserter(status.findings));
        if (!kernel_problem_.empty())
            status.findings.push_back({Severity::error, "kernel", kernel_problem_, "it is asked again every second"});
        if (!publish_problem_.empty())
            status.findings.push_back(
                {Severity::error, "publication", publish_problem_, "it is tried again every second"});
        status.version = version_;
        status.publications = publications_;
        status.waiting_to_be_freed = published_.reclaim();
        status.last_publication = last_publication_;
        status.last_build = last_build_;
        status.last_queued = last_queued_;
        status.builds = builds_;
        status.programming = latency_.histogram();
        status.size = size_;
        status.tables_built = builder_.tables_built();
        const std::lock_guard lock(status_mutex_);
        status_ = std::move(status);
    }

    const Config config_;
    GatewayView& view_;
    Published& published_;
    UniqueFd epoll_, stop_, signals_;
    std::vector<std::unique_ptr<Source>> sources_;
    std::vector<SourceObjects> source_objects_;
    KernelWatcher kernel_;
    KernelChanges kernel_changes_;
    NeighbourKeeper neighbours_;
    DesiredStateKeeper keeper_;
    SnapshotBuilder builder_;
    AddressBook addresses_{config_};

    std::set<int> ready_;
    bool stopping_ = false;
    bool retry_ = false;
    std::optional<Clock::time_point> publish_at_;
    Clock::time_point published_at_{};  // or tried to
    DesiredState desired_;              // as published
    std::uint64_t version_ = 0, publications_ = 0;
    std::chrono::system_clock::time_point last_publication_{};
    std::chrono::microseconds last_build_{};
    std::chrono::system_clock::time_point last_queued_{};
    Histogram builds_;
    StateSize size_;
    AgeLog ages_;
    ProgrammingLatency latency_{std::chrono::system_clock::now()};
    std::vector<Finding> findings_;
    std::set<std::string> former_findings_;
    std::size_t host_findings_ = 0;                                 // of `findings_`, those about the host's interfaces
    std::optional<std::pair<std::uint64_t, std::uint64_t>> noted_;  // revisions of what `findings_` says
    std::string kernel_problem_, publish_problem_;
    ClusterLinks links_{config_, {desired_, addresses_, findings_}};

    mutable std::mutex status_mutex_;
    ControlStatus status_;
};

Controller::Controller(Config config, GatewayView& view, Published& published)
    : impl_(std::make_unique<Impl>(std::move(config), view, published)) {}
Controller::~Controller() = default;
void Controller::run(const std::function<void()>& on_ready) { impl_->run(on_ready); }
void Controller::stop() noexcept { impl_->stop(); }
ControlStatus Controller::status() const { return impl_->status(); }

}  // namespace viaduct
