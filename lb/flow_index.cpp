// Entering flows into the index, and taking them out.
#include "lb/flow_index.h"

namespace viaduct {

FlowIndex::FlowIndex(std::size_t entries)
    : buckets_(entries / 6 + 1), probes_(static_cast<unsigned>(std::min<std::size_t>(max_probes, buckets_.size()))) {}

bool FlowIndex::add(std::uint32_t hash, std::uint32_t entry) noexcept {
    std::size_t at = home(hash);
    unsigned probe = 0;
    while (buckets_[at].matches(0) == 0) {
        if (++probe == probes_) return false;
        at = next(at);
    }
    Bucket& bucket = buckets_[at];
    const auto place = static_cast<unsigned>(__builtin_ctz(bucket.matches(0)));
    bucket.tags[place] = tag_of(hash);
    bucket.entries[place] = entry;
    for (at = home(hash); probe > 0; --probe, at = next(at)) ++buckets_[at].passed_on;
    return true;
}

void FlowIndex::remove(std::uint32_t hash, std::uint32_t entry) noexcept {
    std::size_t at = home(hash);
    for (unsigned probe = 0; probe < probes_; ++probe, at = next(at)) {
        Bucket& bucket = buckets_[at];
        for (unsigned mask = bucket.matches(tag_of(hash)); mask != 0; mask &= mask - 1) {
            const auto place = static_cast<unsigned>(__builtin_ctz(mask));
            if (bucket.entries[place] != entry) continue;
            bucket.tags[place] = 0;
            for (at = home(hash); probe > 0; --probe, at = next(at)) --buckets_[at].passed_on;
            return;
        }
    }
}

}  // namespace viaduct
