// The addresses in force.
#include "control/writers/address_book.h"

#include <algorithm>

namespace viaduct {

void AddressBook::update(std::span<const SourceObjects> sources, bool complete) {
    if (config_.pools.empty()) return;
    const auto same = [](const Seen& then, const SourceObjects& now) {
        return then.services == now.objects->services && then.namespaces == now.objects->namespaces;
    };
    if (complete == complete_ && std::ranges::equal(seen_, sources, same)) return;
    seen_.clear();
    for (const SourceObjects& source : sources) seen_.push_back({source.objects->services, source.objects->namespaces});
    Services services;
    Namespaces namespaces;
    for (const SourceObjects& source : sources)
        for (const auto& service : source.objects->services)
            if (is_ours(*service, config_)) services.emplace_back(source.network, service);
    for (const SourceObjects& source : sources)
        for (const auto& one : source.objects->namespaces) namespaces.emplace_back(source.network, one);
    if (services == services_ && namespaces == namespaces_ && complete == complete_) return;
    now_ = assign_addresses({config_, services, namespaces, now_.assigned, complete});
    services_ = std::move(services);
    namespaces_ = std::move(namespaces);
    complete_ = complete;
    ++revision_;
}

}  // namespace viaduct
