// Services for the snapshot: which are as before, which are new, and under which identity.
#include "tables/build_services.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace viaduct {
namespace {

constexpr std::size_t nowhere = ~std::size_t{0};

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
    const auto same = [&](std::size_t now, std::size_t then) {
        return &desired[now] == &before[then] || desired[now] == before[then];
    };
    const auto [front, back] = desired.shared_ends(before);
    for (std::size_t i = 0; i < front; ++i) all.take(i, i);
    for (std::size_t i = 1; i <= back; ++i) all.take(desired.size() - i, before.size() - i);
    for (std::size_t i = front; i < desired.size() - back; ++i) {
        if (i < before.size() && same(i, i)) {
            all.take(i, i);
            continue;
        }
        const std::size_t old = last.index_of(service_id(desired[i]));
        if (old != no_service && old != i && same(i, old)) all.take(i, old);
    }
    return all;
}

/// Whether name and frontends are the same: then so is what the index says of it.
bool same_index(const DesiredService& a, const DesiredService& b) {
    return a.name == b.name && a.group == b.group && a.network == b.network && a.protocol == b.protocol &&
           a.family == b.family && a.frontends == b.frontends;
}

/// The positions where the lists differ, if that leaves the index over names and frontends as it is.
std::optional<std::vector<ServiceIndex>> changed_in_place(const DesiredList& desired, const DesiredList& before) {
    if (desired.size() != before.size()) return {};
    std::vector<ServiceIndex> changed;
    bool in_place = true;
    desired.for_each_unshared(before, [&](std::size_t i) {
        if (desired[i] == before[i]) return;
        in_place = in_place && same_index(desired[i], before[i]);
        changed.push_back(static_cast<ServiceIndex>(i));
    });
    return in_place ? std::optional(std::move(changed)) : std::nullopt;
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

std::vector<Frontend> frontends_of(const DesiredList& desired) {
    std::vector<Frontend> all;
    for (ServiceIndex i = 0; i < desired.size(); ++i) {
        const DesiredService& service = desired[i];
        for (const DesiredFrontend& frontend : service.frontends) {
            if (frontend.address.is_v4() != (service.family == Family::v4)) continue;
            all.push_back({frontend.address, frontend.port, service.protocol, i,
                           frontend.kind == FrontendKind::node_port, frontend.kind == FrontendKind::load_balancer});
        }
    }
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
    const auto changed = changed_in_place(desired, before);
    if (!changed) return build_anew(desired, before, *last, book);
    if (changed->empty()) return {last, false};
    return build_in_place(*changed, desired, before, *last, book);
}

}  // namespace viaduct
