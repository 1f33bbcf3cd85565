// Sharing of Maglev tables between backend sets.
#include "tables/table_book.h"

#include <algorithm>

#include "tables/probe_table.h"

namespace viaduct {

std::size_t TableBook::Hash::operator()(const Key& key) const noexcept {
    std::uint64_t hash = key.size();
    for (const auto& [address, weight] : key) hash = spread(hash + hash_of(address.v6())) ^ weight;
    return hash ^ (hash >> 32U);  // unordered_map takes the low bits
}

TableBook::Key TableBook::key_of(std::span<const Backend> backends) {
    Key key;
    key.reserve(backends.size());
    for (const Backend& b : backends) key.emplace_back(b.address, std::max(b.weight, 1U));
    return key;
}

SharedMaglevTable TableBook::acquire(std::span<const Backend> backends) {
    Used& entry = tables_[key_of(backends)];
    if (entry.table == nullptr) {
        entry.table = make_maglev_table(backends);
        ++built_;
    }
    ++entry.users;
    return entry.table;
}

void TableBook::release(std::span<const Backend> backends) {
    const auto found = tables_.find(key_of(backends));
    if (found != tables_.end() && --found->second.users == 0) tables_.erase(found);
}

}  // namespace viaduct
