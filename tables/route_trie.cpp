// Fills the trie; the lookup is in the header.
#include "tables/route_trie.h"

#include <algorithm>

namespace viaduct {

RouteTrie::RouteTrie(std::span<const Route<Ipv4>> routes) {
    cells_.resize(std::size_t{1} << root_bits, cell_of({}));
    for (const Route<Ipv4>& route : routes) insert(route);
}

/// Where the block below a cell begins. A new one says everywhere what its cell has said.
std::size_t RouteTrie::block_below(std::size_t cell) {
    if (!is_block(cells_[cell])) {
        const auto begin = static_cast<Cell>(cells_.size());
        cells_.resize(cells_.size() + (std::size_t{1} << block_bits), cells_[cell]);
        cells_[cell] = block << index_bits | begin;
    }
    return index_of(cells_[cell]);
}

/// Longer prefixes come later: what this one overwrites are shorter ones' cells.
void RouteTrie::insert(const Route<Ipv4>& route) {
    const std::uint32_t address = route.prefix.address.host();
    unsigned below = Ipv4::bits - root_bits;  // address bits that the present stride leaves out
    std::size_t cell = address >> below;
    for (; route.prefix.length > Ipv4::bits - below; below -= block_bits)
        cell = block_below(cell) + (address >> (below - block_bits) & 0xffU);
    const std::size_t count = std::size_t{1} << (Ipv4::bits - below - route.prefix.length);
    std::fill_n(cells_.begin() + static_cast<std::ptrdiff_t>(cell), count, cell_of(route.target));
}

}  // namespace viaduct
