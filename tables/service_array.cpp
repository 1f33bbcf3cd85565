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

ServiceArray ServiceArray::with(std::vector<std::pair<ServiceIndex, Service>> others, std::size_t size) const {
    ServiceArray copy = *this;
    copy.size_ = size;
    const std::size_t pages = (size + page_size - 1) / page_size;
    copy.pages_.resize(pages);
    copy.first_of_page_.resize(pages);
    if (size < size_ && pages != 0) copy.own_page(pages - 1);  // what is behind the end would live on there
    for (auto other = others.begin(); other != others.end();) {
        const std::size_t number = other->first / page_size;
        Page& page = copy.own_page(number);
        for (; other != others.end() && other->first / page_size == number; ++other)
            page[other->first % page_size] = std::move(other->second);
    }
    return copy;
}

/// A page of the size that it has in an array of this size, which nobody reads yet.
ServiceArray::Page& ServiceArray::own_page(std::size_t number) {
    auto page = pages_[number] == nullptr ? std::make_shared<Page>() : std::make_shared<Page>(*pages_[number]);
    page->resize(std::min(page_size, size_ - number * page_size));
    first_of_page_[number] = page->data();
    Page& own = *page;
    pages_[number] = std::move(page);
    return own;
}

}  // namespace viaduct
