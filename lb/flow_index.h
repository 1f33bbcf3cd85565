// The index of a connection table: from a flow's hash to the few records that it may be in.
//
// Theory of operation. A bucket is one cache line of ten entries; an entry is a number that the table gives (record and
// direction), and fifteen bits of the hash as its tag, so that all ten are compared at once. The hash's high bits name
// the home bucket by range reduction, its low bits the tag. A full bucket passes entries on to the next one and
// counts them, so a search stops at the first bucket that passed none on; erasing leaves no tombstones behind.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "lb/huge_array.h"
#include "lb/prefetch.h"

namespace viaduct {

class FlowIndex {
public:
    /// No entry has these numbers. `absent`: the flow is certainly not here; `elsewhere`: `find` has to look further.
    static constexpr std::uint32_t absent = 0xffffffff, elsewhere = 0xfffffffe;

    /// For up to `entries` entries at 60 % of the places.
    explicit FlowIndex(std::size_t entries);

    void prefetch(std::uint32_t hash) const noexcept { viaduct::prefetch(&buckets_[home(hash)]); }

    /// The likely entry: the first of the home bucket with this hash's tag.
    [[nodiscard]] std::uint32_t first(std::uint32_t hash) const noexcept {
        const Bucket& bucket = buckets_[home(hash)];
        const unsigned mask = bucket.matches(tag_of(hash));
        if (mask != 0) return bucket.entries[static_cast<unsigned>(__builtin_ctz(mask))];
        return bucket.passed_on == 0 ? absent : elsewhere;
    }

    /// The entry with this hash's tag that `is_it(entry)` confirms, or `absent`.
    template <class Confirm>
    [[nodiscard]] std::uint32_t find(std::uint32_t hash, Confirm&& is_it) const noexcept {
        std::size_t at = home(hash);
        for (unsigned probe = 0; probe < probes_; ++probe) {
            const Bucket& bucket = buckets_[at];
            for (unsigned mask = bucket.matches(tag_of(hash)); mask != 0; mask &= mask - 1) {
                const std::uint32_t entry = bucket.entries[static_cast<unsigned>(__builtin_ctz(mask))];
                if (is_it(entry)) return entry;
            }
            if (bucket.passed_on == 0) return absent;
            at = next(at);
        }
        return absent;
    }

    /// False when neither the home bucket nor any that may be probed after it has a place.
    [[nodiscard]] bool add(std::uint32_t hash, std::uint32_t entry) noexcept;
    /// `entry` was added under this hash.
    void remove(std::uint32_t hash, std::uint32_t entry) noexcept;

    [[nodiscard]] std::size_t memory() const noexcept { return buckets_.memory(); }

private:
    static constexpr unsigned places = 10;
    static constexpr unsigned max_probes = 64;  // an attacker who finds equal hashes slows nobody else down

    struct alignas(64) Bucket {
        std::uint16_t tags[places];  // 0: free
        std::uint16_t passed_on;     // entries that passed through here into a later bucket
        std::uint32_t entries[places];

        /// Bit i: place i has this tag.
        [[nodiscard]] unsigned matches(std::uint16_t tag) const noexcept {
#if defined(__SSE2__)
            const auto* line = reinterpret_cast<const __m128i*>(this);
            const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
            const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(line), wanted);
            const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(line + 1), wanted);  // two tags, then other fields
            constexpr unsigned all_places = (1U << places) - 1;
            return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(low, high))) & all_places;
#else
            unsigned mask = 0;
            for (unsigned i = 0; i < places; ++i) mask |= (tags[i] == tag ? 1U : 0U) << i;
            return mask;
#endif
        }
    };
    static_assert(sizeof(Bucket) == 64);

    [[nodiscard]] static std::uint16_t tag_of(std::uint32_t hash) noexcept {
        return static_cast<std::uint16_t>(hash | 1U);  // never that of a free place
    }
    [[nodiscard]] std::size_t home(std::uint32_t hash) const noexcept {
        return (std::uint64_t{hash} * buckets_.size()) >> 32U;
    }
    [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return at + 1 == buckets_.size() ? 0 : at + 1; }

    HugeArray<Bucket> buckets_;
    unsigned probes_;  // never more than there are buckets
};

}  // namespace viaduct
