// Changes in copies of the index; the rest of the services is shared.
#include "tables/frontend_edit.h"

#include <algorithm>

namespace viaduct {

bool FrontendTable::Edit::is_possible(const FrontendTable& table) {
    const Index& index = *table.index_;
    return index.regular && index.v4.is_regular() && index.v6.is_regular();
}

void FrontendTable::Edit::leave(std::uint64_t id, std::span<const Frontend> frontends) {
    Id& slot = index_->ids.place(spread(id), [&](const Id& one) { return one.id == id; });
    if (slot.used()) {
        index_->ids.free(slot, [](const Id& one) { return spread(one.id); });
        --index_->used_ids;
    }
    for (const Frontend& frontend : frontends) {
        if (frontend.address.is_v4())
            index_->v4.remove(frontend.address.v4(), frontend);
        else
            index_->v6.remove(frontend.address.v6(), frontend);
    }
}

bool FrontendTable::Edit::has(std::uint64_t id) const {
    return index_->ids.find(spread(id), [&](const Id& one) { return one.id == id; }) != nullptr;
}

bool FrontendTable::Edit::enter(std::uint64_t id, ServiceIndex position, std::span<const Frontend> frontends) {
    if (!index_->has_room_for(frontends)) return false;
    index_->ids.place(spread(id), [&](const Id& one) { return one.id == id; }) = {id, position};
    ++index_->used_ids;
    return std::ranges::all_of(frontends, [&](const Frontend& frontend) { return index_->add(frontend); });
}

FrontendTable FrontendTable::Edit::finish(std::vector<std::pair<ServiceIndex, Service>> services, std::size_t size) && {
    FrontendTable table = table_;
    table.services_ = table_.services_.with(std::move(services), size);
    table.index_ = std::move(index_);
    return table;
}

}  // namespace viaduct
