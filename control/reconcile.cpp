// The difference of two desired states, by name.
#include "control/reconcile.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "encap/net_text.h"

namespace viaduct {

namespace {

constexpr const char* neighbours = "neighbours";

std::string name_of(const DesiredPort& port) { return port.name; }
std::string name_of(const DesiredNetwork& network) { return network.name; }
std::string name_of(const DesiredPeer& peer) { return peer.name + " (" + to_string(peer.underlay) + ")"; }
std::string name_of(const DesiredService& service) {
    return service.name + "/" + to_string(service.protocol) + (service.family == Family::v4 ? " IPv4" : " IPv6") +
           (service.group.empty() ? "" : " " + service.group);
}
std::string name_of(const DesiredRoute& route) { return to_string(route.prefix); }
std::string name_of(const DesiredNeighbour& neighbour) {
    return to_string(neighbour.address) + " on port " + std::to_string(static_cast<unsigned>(neighbour.port));
}

template <class T>
ListDifference<T> difference(const std::vector<T>& before, const std::vector<T>& after) {
    ListDifference<T> all;
    if (before == after) return all;
    for (const T& thing : before) all.before.push_back(&thing);
    for (const T& thing : after) all.after.push_back(&thing);
    return all;
}

template <class List>
void compare(Changes& changes, const char* kind, const List& before, const List& after) {
    using Thing = typename List::value_type;
    KindChanges one{kind, {}, {}, {}};
    const ListDifference<Thing> different = difference(before, after);
    std::map<std::string, const Thing*> old;
    for (const Thing* thing : different.before) old.emplace(name_of(*thing), thing);
    for (const Thing* thing : different.after) {
        const auto found = old.find(name_of(*thing));
        if (found == old.end()) {
            one.added.push_back(name_of(*thing));
            continue;
        }
        if (!(*found->second == *thing)) one.changed.push_back(found->first);
        old.erase(found);
    }
    for (const auto& [name, thing] : old) one.removed.push_back(name);
    if (!one.empty()) changes.kinds.push_back(std::move(one));
}

}  // namespace

Changes reconcile(const DesiredState& before, const DesiredState& after) {
    Changes changes;
    compare(changes, "ports", before.ports, after.ports);
    compare(changes, "networks", before.networks, after.networks);
    compare(changes, "peers", before.peers, after.peers);
    compare(changes, "services", before.services, after.services);
    compare(changes, "routes", before.routes, after.routes);
    compare(changes, neighbours, before.neighbours, after.neighbours);
    return changes;
}

bool Changes::only_neighbours() const {
    return std::ranges::all_of(kinds, [](const KindChanges& one) { return std::string_view(one.kind) == neighbours; });
}

std::string Changes::summary() const {
    constexpr std::size_t named = 3;
    std::string text;
    for (const KindChanges& one : kinds) {
        text += (text.empty() ? "" : ", ") + std::string(one.kind);
        std::vector<std::string> names;
        for (const auto& [sign, list] :
             {std::pair(" +", &one.added), std::pair(" ~", &one.changed), std::pair(" -", &one.removed)}) {
            if (!list->empty()) text += sign + std::to_string(list->size());
            names.insert(names.end(), list->begin(), list->end());
        }
        for (std::size_t i = 0; i < std::min(names.size(), named); ++i) text += (i == 0 ? " (" : ", ") + names[i];
        text += names.size() > named ? ", …)" : ")";
    }
    return text;
}

}  // namespace viaduct
