// The addresses in force.
#include "control/writers/address_book.h"

#include <algorithm>

namespace viaduct {

void AddressBook::update(std::span<const SourceObjects> sources, bool complete) {
    if (config_.pools.empty()) return;
    const auto same = [](const auto& then, const SourceObjects& now) { return then == now.objects->services; };
    if (complete == complete_ && std::ranges::equal(seen_, sources, same)) return;
    seen_.clear();
    for (const SourceObjects& source : sources) seen_.push_back(source.objects->services);
    Services services;
    for (const SourceObjects& source : sources)
        for (const auto& service : source.objects->services)
            if (is_ours(*service, config_)) services.emplace_back(source.network, service);
    if (services == services_ && complete == complete_) return;
    now_ = assign_addresses({config_, services, now_.assigned, complete});
    services_ = std::move(services);
    complete_ = complete;
    ++revision_;
}

}  // namespace viaduct
