// What came and went in a source's list of objects since it was looked at last.
//
// Theory of operation. Objects are immutable and shared: one that changed is another one, in another place in memory.
// So two lists are compared by pointer, which for the ten thousands of a big cluster takes some 20 µs, and no source
// has to tell what it changed. The list's former content is kept, so no place is used again while it is remembered.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

#include "control/objects/objects.h"

namespace viaduct {

/// Calls `gone(object)` and `come(object)` until what went and came makes the one list the other. An object whose place
/// among the others changed may come and go too, in either order.
template <class T, class Gone, class Come>
void for_each_change(const std::vector<Shared<T>>& before, const std::vector<Shared<T>>& now, const Gone& gone,
                     const Come& come) {
    std::size_t i = 0, j = 0;
    while (i < before.size() && j < now.size()) {
        if (before[i] == now[j]) {
            ++i, ++j;
            continue;
        }
        const auto order = before[i]->key <=> now[j]->key;
        if (order <= 0) gone(before[i++]);
        if (order >= 0) come(now[j++]);
    }
    while (i < before.size()) gone(before[i++]);
    while (j < now.size()) come(now[j++]);
}

template <class T>
class FollowedList {
public:
    template <class Gone, class Come>
    void follow(const std::vector<Shared<T>>& now, const Gone& gone, const Come& come) {
        for_each_change(known_, now, gone, come);
        remember(now);
    }

private:
    /// Counting references of all of them would cost more than finding the few that differ: so what is the same at both
    /// ends stays, and what is between is replaced.
    void remember(const std::vector<Shared<T>>& now) {
        if (known_.size() != now.size()) {
            const auto [mine, others] = std::ranges::mismatch(known_, now);
            const auto [my_last, others_last] = std::mismatch(known_.rbegin(), std::reverse_iterator(mine),
                                                              now.rbegin(), std::reverse_iterator(others));
            const auto at = known_.erase(mine, my_last.base());
            known_.insert(at, others, others_last.base());
            return;
        }
        for (std::size_t i = 0; i < now.size(); ++i)
            if (known_[i] != now[i]) known_[i] = now[i];
    }

    std::vector<Shared<T>> known_;
};

}  // namespace viaduct
