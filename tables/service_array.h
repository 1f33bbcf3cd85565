// The services of a snapshot, in pages that successive snapshots share: a change copies the pages that it touches.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "lb/service.h"
#include "tables/position_iterator.h"

namespace viaduct {

class ServiceArray {
public:
    static constexpr std::size_t page_size = 64;

    using const_iterator = PositionIterator<ServiceArray, Service>;

    explicit ServiceArray(std::vector<Service> services = {});

    /// Worker threads too. The list of pages is small enough to stay in the first-level cache.
    [[nodiscard]] const Service& operator[](std::size_t i) const noexcept {
        return first_of_page_[i / page_size][i % page_size];
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const_iterator begin() const noexcept { return {this, 0}; }
    [[nodiscard]] const_iterator end() const noexcept { return {this, size_}; }

    /// A copy of this size with other services at these positions, which ascend and include all that are new.
    [[nodiscard]] ServiceArray with(std::vector<std::pair<ServiceIndex, Service>> others, std::size_t size) const;

private:
    using Page = HugeVector<Service>;
    Page& own_page(std::size_t number);

    std::vector<const Service*> first_of_page_;
    std::vector<std::shared_ptr<const Page>> pages_;
    std::size_t size_ = 0;
};

}  // namespace viaduct
