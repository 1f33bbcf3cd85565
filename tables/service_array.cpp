// Pages of services, and copies of some of them.
#include "tables/service_array.h"

#include <algorithm>
#include <iterator>

namespace viaduct {

ServiceArray::ServiceArray(std::vector<Service> services) : size_(services.size()) {
    for (std::size_t begin = 0; begin < size_; begin += page_size) {
        const auto first = services.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto last = first + static_cast<std::ptrdiff_t>(std::min(page_size, size_ - begin));
        pages_.push_back(std::make_shared<const Page>(std::move_iterator(first), std::move_iterator(last)));
        first_of_page_.push_back(pages_.back()->data());
    }
}

ServiceArray ServiceArray::with(std::vector<std::pair<ServiceIndex, Service>> others) const {
    ServiceArray copy = *this;
    for (auto other = others.begin(); other != others.end();) {
        const std::size_t number = other->first / page_size;
        Page page = *pages_[number];
        for (; other != others.end() && other->first / page_size == number; ++other)
            page[other->first % page_size] = std::move(other->second);
        copy.pages_[number] = std::make_shared<const Page>(std::move(page));
        copy.first_of_page_[number] = copy.pages_[number]->data();
    }
    return copy;
}

}  // namespace viaduct
