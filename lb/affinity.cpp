// Looking up and remembering where a client was sent.
#include "lb/affinity.h"

#include "encap/flow_hash.h"

namespace viaduct {

// Twice as many places as clients: then a bucket of eight overflows for one in fifty.
AffinityTable::AffinityTable(std::size_t capacity) : buckets_(capacity / (ways / 2) + 1) {}

AffinityTable::Bucket& AffinityTable::bucket_of(std::uint64_t service, const IpAddress& client) const noexcept {
    const std::uint32_t hash = address_hash(client.v6()) ^ static_cast<std::uint32_t>(service ^ (service >> 32U));
    return buckets_[(std::uint64_t{hash} * buckets_.size()) >> 32U];
}

BackendId AffinityTable::find(std::uint64_t service, const IpAddress& client, Seconds now) const noexcept {
    for (const Entry& entry : bucket_of(service, client).entries)
        if (entry.service == service && entry.client == client && entry.alive(now)) return entry.backend;
    return {};
}

void AffinityTable::remember(std::uint64_t service, const IpAddress& client, BackendId backend, Seconds timeout,
                             Seconds now) noexcept {
    Bucket& bucket = bucket_of(service, client);
    Entry* place = bucket.entries;
    for (Entry& entry : bucket.entries) {
        if (entry.used && entry.service == service && entry.client == client) {
            place = &entry;
            break;
        }
        if (!place->alive(now)) continue;
        if (!entry.alive(now) || static_cast<std::int32_t>(entry.expires - place->expires) < 0) place = &entry;
    }
    *place = {service, client, backend, now + timeout, true};
}

}  // namespace viaduct
