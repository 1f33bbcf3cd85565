// One Maglev table for all backend sets with the same addresses and weights: those of one Service's ports, above all.
//
// Theory of operation. Users are counted, as in backend_book.h: a table nobody uses is forgotten here, and freed when
// the last snapshot with it is. Control thread only.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lb/service.h"

namespace viaduct {

class TableBook {
public:
    /// The table for these backends, used once more. They are a set's: in its order, and at least one.
    [[nodiscard]] SharedMaglevTable acquire(std::span<const Backend> backends);
    /// Undoes one `acquire`.
    void release(std::span<const Backend> backends);
    /// Tables made so far.
    [[nodiscard]] std::uint64_t built() const noexcept { return built_; }

private:
    /// What `make_maglev_table` looks at.
    using Key = std::vector<std::pair<IpAddress, std::uint32_t>>;
    struct Hash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Used {
        SharedMaglevTable table;
        std::uint32_t users = 0;
    };
    static Key key_of(std::span<const Backend> backends);

    std::unordered_map<Key, Used, Hash> tables_;
    std::uint64_t built_ = 0;
};

}  // namespace viaduct
