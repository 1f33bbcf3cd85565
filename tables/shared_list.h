// A list whose copies share their elements: copying a long one costs little, and so does finding where two differ.
//
// Theory of operation. Elements never change once they are in a list: they are replaced. Pages of elements are shared
// between copies until one of them changes one, which then gets a page, and an element, of its own. So lists that came
// from each other are compared page by page, by pointer, and only what is not shared is looked at.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tables/position_iterator.h"

namespace viaduct {

template <class T>
class SharedList {
public:
    using value_type = T;
    using Element = std::shared_ptr<const T>;
    static constexpr std::size_t page_size = 64;

    using const_iterator = PositionIterator<SharedList, T>;

    SharedList() = default;
    SharedList(std::initializer_list<T> elements) {
        for (const T& element : elements) push_back(element);
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] const T& operator[](std::size_t i) const { return *element(i); }
    [[nodiscard]] const T& at(std::size_t i) const {
        return i < size_ ? (*this)[i] : throw std::out_of_range("SharedList::at");
    }
    [[nodiscard]] const T& back() const { return (*this)[size_ - 1]; }
    [[nodiscard]] const Element& element(std::size_t i) const { return (*pages_[i / page_size])[i % page_size]; }
    [[nodiscard]] const_iterator begin() const { return {this, 0}; }
    [[nodiscard]] const_iterator end() const { return {this, size_}; }

    void push_back(T element) { push_back(std::make_shared<const T>(std::move(element))); }
    void push_back(Element element) {
        if (size_ % page_size == 0) pages_.push_back(std::make_shared<Page>());
        own_page(size_ / page_size).push_back(std::move(element));
        ++size_;
    }
    void replace(std::size_t i, T element) { replace(i, std::make_shared<const T>(std::move(element))); }
    void replace(std::size_t i, Element element) { own_page(i / page_size)[i % page_size] = std::move(element); }
    /// A copy of the element in its place, to be changed before the list is copied.
    [[nodiscard]] T& edit(std::size_t i) {
        auto copy = std::make_shared<T>((*this)[i]);
        T& element = *copy;
        replace(i, Element(std::move(copy)));
        return element;
    }
    void pop_back() {
        own_page(--size_ / page_size).pop_back();
        if (size_ % page_size == 0) pages_.pop_back();
    }
    /// Takes time in proportion to the list's size.
    void erase(std::size_t i) {
        SharedList rest;
        for (std::size_t j = 0; j < size_; ++j)
            if (j != i) rest.push_back(element(j));
        *this = std::move(rest);
    }
    void clear() { *this = {}; }

    bool operator==(const SharedList& other) const {
        if (size_ != other.size_) return false;
        const auto same = [](const Element& a, const Element& b) { return a == b || *a == *b; };
        for (std::size_t page = 0; page < pages_.size(); ++page) {
            const Page &a = *pages_[page], &b = *other.pages_[page];
            if (&a != &b && !std::equal(a.begin(), a.end(), b.begin(), b.end(), same)) return false;
        }
        return true;
    }
    /// Calls `visit(position)` for every position that both have, where the elements are not shared.
    template <class Visit>
    void for_each_unshared(const SharedList& other, const Visit& visit) const {
        for (std::size_t page = 0; page < std::min(pages_.size(), other.pages_.size()); ++page) {
            const Page &a = *pages_[page], &b = *other.pages_[page];
            for (std::size_t i = 0; &a != &b && i < std::min(a.size(), b.size()); ++i)
                if (a[i] != b[i]) visit(page * page_size + i);
        }
    }

private:
    using Page = std::vector<Element>;

    Page& own_page(std::size_t page) {
        if (pages_[page].use_count() != 1) pages_[page] = std::make_shared<Page>(*pages_[page]);
        return *pages_[page];
    }

    std::vector<std::shared_ptr<Page>> pages_;
    std::size_t size_ = 0;
};

/// What only one of two lists has.
template <class T>
struct ListDifference {
    std::vector<const T*> before, after;
};

/// By pointer, not by value: elements that are not shared may still be equal. One that changed its place is in neither.
template <class T>
[[nodiscard]] ListDifference<T> difference(const SharedList<T>& before, const SharedList<T>& after) {
    ListDifference<T> all;
    after.for_each_unshared(before, [&](std::size_t i) {
        all.before.push_back(&before[i]);
        all.after.push_back(&after[i]);
    });
    const std::size_t common = std::min(before.size(), after.size());
    for (std::size_t i = common; i < before.size(); ++i) all.before.push_back(&before[i]);
    for (std::size_t i = common; i < after.size(); ++i) all.after.push_back(&after[i]);
    std::unordered_set<const T*> old(all.before.begin(), all.before.end()), moved;
    std::erase_if(all.after, [&](const T* one) { return old.contains(one) && moved.insert(one).second; });
    std::erase_if(all.before, [&](const T* one) { return moved.contains(one); });
    return all;
}

}  // namespace viaduct
