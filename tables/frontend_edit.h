// A frontend table out of another one, when some services come, go or change places: it costs a copy of flat arrays and
// what changes, not a look at every service.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tables/frontends.h"

namespace viaduct {

/// First everything leaves that is to go or to move, then what is to be there enters.
class FrontendTable::Edit {
public:
    explicit Edit(const FrontendTable& table) : table_(table), index_(std::make_shared<Index>(*table.index_)) {}

    /// Of two frontends that are alike only one is in the table, so nobody knows what becomes of the other: then it is
    /// to be made anew.
    [[nodiscard]] static bool is_possible(const FrontendTable& table);
    /// `frontends` lead to it.
    void leave(std::uint64_t id, std::span<const Frontend> frontends);
    [[nodiscard]] bool has(std::uint64_t id) const;
    /// False: there is a frontend like one of these already, or no room, and the table is to be made anew.
    [[nodiscard]] bool enter(std::uint64_t id, ServiceIndex position, std::span<const Frontend> frontends);
    /// With these services at their positions, which ascend, and `size` services in all.
    [[nodiscard]] FrontendTable finish(std::vector<std::pair<ServiceIndex, Service>> services, std::size_t size) &&;

private:
    const FrontendTable& table_;
    std::shared_ptr<Index> index_;
};

}  // namespace viaduct
