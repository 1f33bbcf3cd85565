// Services for the snapshot: which are as before, which are new, and under which identity.
#include "tables/build_services.h"

#include <algorithm>
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

/// Where each desired service was in the previous build, if it is equal to what it was there.
std::vector<std::size_t> find_unchanged(const std::vector<DesiredService>& desired,
                                        const std::vector<DesiredService>& before, const FrontendTable& last) {
    std::vector<std::size_t> source(desired.size(), nowhere);
    std::vector<bool> taken(before.size());
    for (std::size_t i = 0; i < desired.size(); ++i) {
        std::size_t old = i;
        if (i >= before.size() || desired[i] != before[i]) {
            const Service* moved = last.by_id(service_id(desired[i]));
            if (moved == nullptr) continue;
            old = static_cast<std::size_t>(moved - last.services().data());
            if (old == i || desired[i] != before[old]) continue;
        }
        if (taken[old]) continue;
        taken[old] = true;
        source[i] = old;
    }
    return source;
}

bool is_identity(const std::vector<std::size_t>& source) {
    for (std::size_t i = 0; i < source.size(); ++i)
        if (source[i] != i) return false;
    return true;
}

/// Whether names and frontends are the same, position by position: then so is the index over them.
bool same_index(const std::vector<DesiredService>& desired, const std::vector<DesiredService>& before,
                const std::vector<std::size_t>& source) {
    if (desired.size() != before.size()) return false;
    for (std::size_t i = 0; i < desired.size(); ++i) {
        const DesiredService& a = desired[i];
        const DesiredService& b = before[i];
        if (source[i] != i && (a.name != b.name || a.group != b.group || a.network != b.network ||
                               a.protocol != b.protocol || a.family != b.family || a.frontends != b.frontends))
            return false;
    }
    return true;
}

Service make_service(const DesiredService& desired, BackendBook& book) {
    Service service;
    service.id = service_id(desired);
    service.name = desired.name;
    service.network = desired.network;
    service.when_empty = desired.when_empty;
    service.affinity_seconds = desired.affinity_seconds;
    service.source_ranges = desired.source_ranges;
    service.backends = book.acquire(BackendList(desired));
    return service;
}

/// Two names with one hash: the later one moves to the next free number.
void make_ids_distinct(std::vector<Service>& services) {
    std::unordered_set<std::uint64_t> taken{0};
    taken.reserve(services.size() + 1);
    for (Service& service : services)
        while (!taken.insert(service.id).second) ++service.id;
}

std::vector<Frontend> frontends_of(const std::vector<DesiredService>& desired) {
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
bool release_others(const std::vector<DesiredService>& before, const std::vector<std::size_t>& source,
                    BackendBook& book) {
    std::vector<bool> kept(before.size());
    for (const std::size_t old : source)
        if (old != nowhere) kept[old] = true;
    bool any = false;
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (kept[i]) continue;
        book.release(BackendList(before[i]));
        any = true;
    }
    return any;
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

BuiltServices build_services(const std::vector<DesiredService>& desired, const std::vector<DesiredService>& before,
                             const std::shared_ptr<const FrontendTable>& last, BackendBook& book) {
    const std::vector<std::size_t> source = find_unchanged(desired, before, *last);
    if (desired.size() == before.size() && is_identity(source)) return {last, false};

    std::vector<Service> services;
    services.reserve(desired.size());
    bool changed = false;
    for (std::size_t i = 0; i < desired.size(); ++i) {
        const bool unchanged = source[i] != nowhere;
        services.push_back(unchanged ? last->services()[source[i]] : make_service(desired[i], book));
        changed |= !unchanged;
    }
    changed |= release_others(before, source, book);
    if (same_index(desired, before, source)) {
        for (std::size_t i = 0; i < services.size(); ++i) services[i].id = last->services()[i].id;
        return {std::make_shared<const FrontendTable>(last->with(std::move(services))), changed};
    }
    make_ids_distinct(services);
    return {std::make_shared<const FrontendTable>(std::move(services), frontends_of(desired)), changed};
}

}  // namespace viaduct
