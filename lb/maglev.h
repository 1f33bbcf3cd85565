// Maglev consistent hashing: a lookup table that spreads evenly and changes little when backends do.
// Source: Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace viaduct {

/// A backend's turn order: it prefers the slots offset, offset + skip, offset + 2·skip, … modulo the table's size.
struct MaglevPermutation {
    std::uint32_t offset = 0;  // 0 … size − 1
    std::uint32_t skip = 1;    // 1 … size − 1
    std::uint32_t weight = 1;  // share of turns, ≥ 1
};

/// The permutation of a backend with this stable identity in a table of `size` slots: the same on every gateway.
[[nodiscard]] MaglevPermutation maglev_permutation(std::string_view identity, std::uint32_t size,
                                                   std::uint32_t weight = 1);

/// The table: slot → index into `backends`. `size` must be prime and ≥ the number of backends, which must be
/// 1 … 65,535; otherwise std::invalid_argument.
[[nodiscard]] std::vector<std::uint16_t> maglev_table(std::span<const MaglevPermutation> backends, std::uint32_t size);

/// The prime size for a number of backends: small Services stay small, disruption stays low (see maglev.cpp).
[[nodiscard]] std::uint32_t maglev_size(std::size_t backends);

[[nodiscard]] bool is_prime(std::uint32_t n);

}  // namespace viaduct
