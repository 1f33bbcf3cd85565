// An immutable array whose copies share it: reading an element costs what it costs in a vector.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace viaduct {

template <class T>
class SharedArray {
public:
    SharedArray() = default;
    template <class Allocator>
    SharedArray(std::vector<T, Allocator> elements) {  // NOLINT: it is the vector from then on
        const auto owner = std::make_shared<const std::vector<T, Allocator>>(std::move(elements));
        elements_ = *owner;
        owner_ = owner;
    }

    [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return elements_[i]; }
    [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }
    [[nodiscard]] bool empty() const noexcept { return elements_.empty(); }
    [[nodiscard]] auto begin() const noexcept { return elements_.begin(); }
    [[nodiscard]] auto end() const noexcept { return elements_.end(); }

private:
    std::span<const T> elements_;
    std::shared_ptr<const void> owner_;
};

}  // namespace viaduct
