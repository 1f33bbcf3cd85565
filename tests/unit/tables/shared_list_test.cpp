// Lists that share: values as in a vector, whatever copies do, and differences found by pointer.
#include "tables/shared_list.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace viaduct {
namespace {

using List = SharedList<int>;

List numbers(int count) {
    List list;
    for (int i = 0; i < count; ++i) list.push_back(i);
    return list;
}

std::vector<int> values(const List& list) { return {list.begin(), list.end()}; }

template <class T>
std::vector<T> values(const std::vector<const T*>& pointers) {
    std::vector<T> all;
    for (const T* one : pointers) all.push_back(*one);
    return all;
}

TEST(SharedListTest, ACopyKeepsItsValuesWhenTheOriginalChanges) {
    List list = numbers(200);
    const List copy = list;
    list.replace(70, -1);
    list.edit(71) = -2;
    list.push_back(200);
    EXPECT_EQ(values(copy), values(numbers(200)));
    EXPECT_EQ(list[70], -1);
    EXPECT_EQ(list[71], -2);
    EXPECT_EQ(list.size(), 201U);
    EXPECT_EQ(&list[5], &copy[5]) << "the rest is shared";
    EXPECT_EQ(&list[69], &copy[69]);
}

TEST(SharedListTest, EqualityIsOfValues) {
    EXPECT_EQ(numbers(130), numbers(130));
    EXPECT_NE(numbers(130), numbers(129));
    List other = numbers(130);
    other.replace(129, 7);
    EXPECT_NE(other, numbers(130));
    EXPECT_EQ(List{}, List{});
}

TEST(SharedListTest, TellsPositionsThatAreNotShared) {
    const List list = numbers(300);
    List other = list;
    other.replace(3, 3);
    other.replace(299, 0);
    std::vector<std::size_t> found;
    other.for_each_unshared(list, [&](std::size_t i) { found.push_back(i); });
    EXPECT_EQ(found, (std::vector<std::size_t>{3, 299}));
}

TEST(SharedListTest, ADifferenceHasWhatOnlyOneOfThemHas) {
    const List list = numbers(300);
    List shorter = list;
    shorter.erase(0);
    shorter.erase(150);
    shorter.replace(10, -1);
    const ListDifference<int> found = difference(list, shorter);
    EXPECT_EQ(values(found.before), (std::vector{0, 11, 151}));
    EXPECT_EQ(values(found.after), std::vector{-1});
    EXPECT_TRUE(difference(list, list).before.empty());
}

TEST(SharedListTest, WhatMovesIsNoDifference) {
    const List list = numbers(200);
    List other = list;
    other.replace(3, list.element(199));
    other.pop_back();
    const ListDifference<int> found = difference(list, other);
    EXPECT_EQ(values(found.before), std::vector{3});
    EXPECT_TRUE(found.after.empty());
    EXPECT_EQ(values(difference(other, list).after), std::vector{3});
}

TEST(SharedListTest, RandomEditsAreAVectors) {
    std::mt19937 random(7);
    List list;
    std::vector<int> model;
    std::vector<std::pair<List, std::vector<int>>> kept;
    for (int step = 0; step < 3000; ++step) {
        const auto at = model.empty() ? 0 : random() % model.size();
        const auto what = model.empty() ? 0 : random() % 11;
        if (what < 5) {
            list.push_back(step);
            model.push_back(step);
        } else if (what < 9) {
            list.replace(at, -step);
            model[at] = -step;
        } else if (what < 10) {
            list.pop_back();
            model.pop_back();
        } else {
            list.erase(at);
            model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
        }
        if (step % 100 == 0) kept.emplace_back(list, model);
    }
    kept.emplace_back(list, model);
    for (const auto& [copy, values_then] : kept) ASSERT_EQ(values(copy), values_then);
}

}  // namespace
}  // namespace viaduct
