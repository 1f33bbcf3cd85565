// The builder's part for services: desired services become frontends, services and backend sets.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "tables/backend_book.h"
#include "tables/desired.h"
#include "tables/frontends.h"

namespace viaduct {

/// A service's identity: 64-bit FNV-1a over name, group, network, protocol and family; never 0.
[[nodiscard]] std::uint64_t service_id(const DesiredService& service) noexcept;

struct BuiltServices {
    std::shared_ptr<const FrontendTable> table;
    bool changed = false;  // any service or backend; their order alone is no change
};

/// The table for `desired`. `before` and `last` are the previous build's input and result: service by service, what is
/// equal is taken over, and while few services come, go or change, only what is not shared with `before` is looked at.
/// `book` has recorded the sets of `last` and afterwards records those of the new table.
[[nodiscard]] BuiltServices build_services(const SharedList<DesiredService>& desired,
                                           const SharedList<DesiredService>& before,
                                           const std::shared_ptr<const FrontendTable>& last, BackendBook& book);

}  // namespace viaduct
