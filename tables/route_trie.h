// IPv4 routes as a trie of three strides, 16, 8 and 8 bits: a lookup is one to three loads, whatever the prefixes are.
// The root takes 256 KiB, each block below it 1 KiB; a cluster's pod subnets share a few blocks, which stay in cache.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tables/route_target.h"

namespace viaduct {

class RouteTrie {
public:
    RouteTrie() : RouteTrie(std::span<const Route<Ipv4>>{}) {}
    /// `routes` are distinct prefixes, shortest first. An index must be below 2^29.
    explicit RouteTrie(std::span<const Route<Ipv4>> routes);

    [[nodiscard]] RouteTarget lookup(Ipv4 destination) const noexcept {
        const std::uint32_t address = destination.host();
        Cell cell = cells_[address >> 16U];
        if (is_block(cell)) cell = cells_[index_of(cell) + (address >> 8U & 0xffU)];
        if (is_block(cell)) cell = cells_[index_of(cell) + (address & 0xffU)];
        return {static_cast<RouteKind>(cell >> index_bits), static_cast<std::uint32_t>(index_of(cell))};
    }

private:
    using Cell = std::uint32_t;  // a RouteKind and an index, or `block` and where the block begins
    static constexpr unsigned index_bits = 29, root_bits = 16, block_bits = 8;
    static constexpr Cell block = 7;
    static constexpr bool is_block(Cell cell) noexcept { return cell >= block << index_bits; }
    static constexpr std::size_t index_of(Cell cell) noexcept { return cell & ((Cell{1} << index_bits) - 1); }

    static constexpr Cell cell_of(const RouteTarget& target) noexcept {
        return static_cast<Cell>(target.kind) << index_bits | target.index;
    }

    void insert(const Route<Ipv4>& route);
    [[nodiscard]] std::size_t block_below(std::size_t cell);

    std::vector<Cell> cells_;  // the root's, then the blocks'
};

}  // namespace viaduct
