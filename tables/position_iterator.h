// The iterator of a container that is read by position.
#pragma once

#include <cstddef>
#include <iterator>

namespace viaduct {

template <class Container, class Element>
class PositionIterator {
public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    using pointer = const Element*;
    using reference = const Element&;
    PositionIterator() = default;
    PositionIterator(const Container* all, std::size_t at) : all_(all), at_(at) {}
    reference operator*() const { return (*all_)[at_]; }
    pointer operator->() const { return &(*all_)[at_]; }
    PositionIterator& operator++() {
        ++at_;
        return *this;
    }
    PositionIterator operator++(int) { return {all_, at_++}; }
    bool operator==(const PositionIterator&) const = default;

private:
    const Container* all_ = nullptr;
    std::size_t at_ = 0;
};

}  // namespace viaduct
