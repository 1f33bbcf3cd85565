// Services for the snapshot: which are as before, which are new, and under which identity.
#include "tables/build_services.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "tables/frontend_edit.h"

namespace viaduct {
namespace {

constexpr std::size_t nowhere = ~std::size_t{0};
constexpr std::size_t few = 64;  // so many changes, and one in so many services, are made one by one

class Fnv1a {
public:
    void add(std::string_view bytes) noexcept {
        for (const char byte : bytes) add(static_cast<std::uint8_t>(byte));
    }
    void add(std::uint8_t byte) noexcept { value_ = (value_ ^ byte) * 0x100000001b3U; }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325U;
};

using DesiredList = SharedList<DesiredService>;

/// What is taken over from the previous build.
struct Unchanged {
    std::vector<std::size_t> source;  // where each desired service was, if it is equal to what it was there
    std::vector<bool> kept;           // of the previous services
    void take(std::size_t now, std::size_t then) {
        if (kept[then]) return;
        kept[then] = true;
        source[now] = then;
    }
};

Unchanged find_unchanged(const DesiredList& desired, const DesiredList& before, const FrontendTable& last) {
    Unchanged all{std::vector(desired.size(), nowhere), std::vector<bool>(before.size())};
    std::unordered_map<const DesiredService*, std::size_t> places;
    for (std::size_t i = 0; i < before.size(); ++i) places.emplace(&before[i], i);
    for (std::size_t i = 0; i < desired.size(); ++i)
        if (const auto place = places.find(&desired[i]); place != places.end()) all.take(i, place->second);
    for (std::size_t i = 0; i < desired.size(); ++i) {
        if (all.source[i] != nowhere) continue;
        const std::size_t old = last.index_of(service_id(desired[i]));
        if (old != no_service && desired[i] == before[old]) all.take(i, old);
    }
    return all;
}

/// Whether name and frontends are the same: then so is what the index says of it.
bool same_index(const DesiredService& a, const DesiredService& b) {
    return a.name == b.name && a.group == b.group && a.network == b.network && a.protocol == b.protocol &&
           a.family == b.family && a.frontends == b.frontends;
}

/// The positions where the lists differ, or only one of them has any.
std::vector<ServiceIndex> differing(const DesiredList& desired, const DesiredList& before) {
    std::vector<ServiceIndex> positions;
    desired.for_each_unshared(before, [&](std::size_t i) {
        if (!(desired[i] == before[i])) positions.push_back(static_cast<ServiceIndex>(i));
    });
    for (std::size_t i = std::min(desired.size(), before.size()); i < std::max(desired.size(), before.size()); ++i)
        positions.push_back(static_cast<ServiceIndex>(i));
    return positions;
}

Service make_service(const DesiredService& desired, BackendBook& book) {
    Service service;
    service.id = service_id(desired);
    service.name = desired.name;
    service.network = desired.network;
    service.when_empty = desired.when_empty;
    service.affinity_seconds = desired.affinity_seconds;
    service.source_ranges = desired.source_ranges;
    service.serve_from(book.acquire(BackendList(desired)));
    return service;
}

/// Two names with one hash: the new one, or the later one, moves to the next free number.
void make_ids_distinct(std::vector<Service>& services, const Unchanged& unchanged, const FrontendTable& last) {
    std::unordered_set<std::uint64_t> fresh{0};
    const auto kept = [&](std::uint64_t id) {
        const ServiceIndex old = last.index_of(id);
        return old != no_service && unchanged.kept[old];
    };
    for (std::size_t i = 0; i < services.size(); ++i) {
        if (unchanged.source[i] != nowhere) continue;
        while (kept(services[i].id) || !fresh.insert(services[i].id).second) ++services[i].id;
    }
}

std::vector<Frontend> frontends_of(const DesiredService& service, ServiceIndex position) {
    std::vector<Frontend> all;
    for (const DesiredFrontend& frontend : service.frontends) {
        if (frontend.address.is_v4() != (service.family == Family::v4)) continue;
        all.push_back({frontend.address, frontend.port, service.protocol, position,
                       frontend.kind == FrontendKind::node_port, frontend.kind == FrontendKind::load_balancer});
    }
    return all;
}

std::vector<Frontend> frontends_of(const DesiredList& desired) {
    std::vector<Frontend> all;
    for (ServiceIndex i = 0; i < desired.size(); ++i)
        std::ranges::move(frontends_of(desired[i], i), std::back_inserter(all));
    return all;
}

/// Lets go of the backends of all services that were not taken over. True when there were any.
bool release_others(const DesiredList& before, const std::vector<bool>& kept, BackendBook& book) {
    bool any = false;
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (kept[i]) continue;
        book.release(BackendList(before[i]));
        any = true;
    }
    return any;
}

BuiltServices build_in_place(const std::vector<ServiceIndex>& changed, const DesiredList& desired,
                             const DesiredList& before, const FrontendTable& last, BackendBook& book) {
    std::vector<std::pair<ServiceIndex, Service>> others;
    for (const ServiceIndex i : changed) {
        others.emplace_back(i, make_service(desired[i], book));
        others.back().second.id = last.service(i).id;
    }
    for (const ServiceIndex i : changed) book.release(BackendList(before[i]));
    return {std::make_shared<const FrontendTable>(last.with(std::move(others))), true};
}

/// Services that come, go, or change their places or frontends, if they are few.
class Editor {
public:
    Editor(const std::vector<ServiceIndex>& changed, const DesiredList& desired, const DesiredList& before,
           const FrontendTable& last)
        : changed_(changed), desired_(desired), before_(before), last_(last) {}

    /// Nothing when the table has to be made anew.
    std::optional<BuiltServices> build(BackendBook& book) {
        if (!FrontendTable::Edit::is_possible(last_)) return {};
        FrontendTable::Edit edit(last_);
        if (!reindex(edit)) return {};
        bool any = false;
        std::vector<std::pair<ServiceIndex, Service>> services;
        for (const ServiceIndex i : changed_) {
            if (i >= desired_.size()) continue;
            const auto from = moved_.find(&desired_[i]);
            any |= from == moved_.end();
            services.emplace_back(i,
                                  from == moved_.end() ? make_service(desired_[i], book) : last_.service(from->second));
            services.back().second.id = ids_.at(i);
        }
        any |= release(book);
        return BuiltServices{
            std::make_shared<const FrontendTable>(std::move(edit).finish(std::move(services), desired_.size())), any};
    }

private:
    bool reindex(FrontendTable::Edit& edit) {
        std::unordered_map<const DesiredService*, ServiceIndex> old;
        for (const ServiceIndex i : changed_) {
            if (i >= before_.size()) continue;
            edit.leave(last_.service(i).id, frontends_of(before_[i], i));
            old.emplace(&before_[i], i);
        }
        for (const ServiceIndex i : changed_)
            if (i < desired_.size())
                if (const auto from = old.extract(&desired_[i])) {
                    moved_.emplace(from.key(), from.mapped());
                    if (!enter(edit, i, last_.service(from.mapped()).id)) return false;
                }
        for (const ServiceIndex i : changed_) {
            if (i >= desired_.size() || ids_.contains(i)) continue;
            std::uint64_t id = service_id(desired_[i]);
            while (id == 0 || edit.has(id)) ++id;
            if (!enter(edit, i, id)) return false;
        }
        return true;
    }
    bool enter(FrontendTable::Edit& edit, ServiceIndex position, std::uint64_t id) {
        ids_.emplace(position, id);
        return edit.enter(id, position, frontends_of(desired_[position], position));
    }
    /// Lets go of what has not moved. True when there was any.
    bool release(BackendBook& book) const {
        bool any = false;
        for (const ServiceIndex i : changed_) {
            if (i >= before_.size() || moved_.contains(&before_[i])) continue;
            book.release(BackendList(before_[i]));
            any = true;
        }
        return any;
    }

    const std::vector<ServiceIndex>& changed_;
    const DesiredList &desired_, &before_;
    const FrontendTable& last_;
    std::unordered_map<const DesiredService*, ServiceIndex> moved_;  // from where
    std::unordered_map<ServiceIndex, std::uint64_t> ids_;
};

BuiltServices build_anew(const DesiredList& desired, const DesiredList& before, const FrontendTable& last,
                         BackendBook& book) {
    const Unchanged unchanged = find_unchanged(desired, before, last);
    std::vector<Service> services;
    services.reserve(desired.size());
    bool changed = false;
    for (std::size_t i = 0; i < desired.size(); ++i) {
        const std::size_t source = unchanged.source[i];
        services.push_back(source != nowhere ? last.services()[source] : make_service(desired[i], book));
        changed |= source == nowhere;
    }
    changed |= release_others(before, unchanged.kept, book);
    make_ids_distinct(services, unchanged, last);
    return {std::make_shared<const FrontendTable>(std::move(services), frontends_of(desired)), changed};
}

}  // namespace

std::uint64_t service_id(const DesiredService& service) noexcept {
    Fnv1a hash;
    hash.add(service.name);
    hash.add(std::uint8_t{0});
    hash.add(service.group);
    hash.add(std::uint8_t{0});
    hash.add(static_cast<std::uint8_t>(service.network));
    hash.add(static_cast<std::uint8_t>(service.protocol));
    hash.add(static_cast<std::uint8_t>(service.family));
    return hash.value() != 0 ? hash.value() : 1;
}

BuiltServices build_services(const DesiredList& desired, const DesiredList& before,
                             const std::shared_ptr<const FrontendTable>& last, BackendBook& book) {
    const std::vector<ServiceIndex> changed = differing(desired, before);
    if (changed.empty()) return {last, false};
    const bool in_place = desired.size() == before.size() && std::ranges::all_of(changed, [&](ServiceIndex i) {
                              return same_index(desired[i], before[i]);
                          });
    if (in_place) return build_in_place(changed, desired, before, *last, book);
    if (changed.size() <= few + desired.size() / few)
        if (auto edited = Editor(changed, desired, before, *last).build(book)) return std::move(*edited);
    return build_anew(desired, before, *last, book);
}

}  // namespace viaduct
