// A few prefixes, and whether an address lies in one of them.
#pragma once

#include <vector>

#include "tables/probe_table.h"

namespace viaduct {

template <Address A>
class PrefixSet {
public:
    void add(const Prefix<A>& prefix) {
        ranges_.push_back({mask_words<A>(prefix.length), words(prefix.address)});
    }
    [[nodiscard]] bool contains(const A& address) const noexcept {
        const AddressWords<A> given = words(address);
        for (const Range& range : ranges_) {
            std::uint64_t different = 0;
            for (std::size_t i = 0; i < given.size(); ++i) different |= (given[i] & range.mask[i]) ^ range.value[i];
            if (different == 0) return true;
        }
        return false;
    }

private:
    struct Range {
        AddressWords<A> mask, value;
    };
    std::vector<Range> ranges_;
};

}  // namespace viaduct
