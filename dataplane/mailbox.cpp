// Answers what other threads ask of a worker.
#include "dataplane/mailbox.h"

namespace viaduct {
namespace {

template <Address A>
void copy(const ConnectionTable<A>& table, std::span<Connection<A>> out, ConnectionRequest& request) noexcept {
    request.copied = 0;
    request.cursor = table.size() == 0 ? 0 : table.copy(request.cursor, out, request.copied);
}

}  // namespace

void Mailbox::answer(ConnectionRequest& request, Connections& connections, Seconds clock) noexcept {
    if (request.family == Family::v4)
        copy(connections.v4, request.v4, request);
    else
        copy(connections.v6, request.v6, request);
    request.clock = clock;
    request_.store(nullptr, std::memory_order_release);
}

}  // namespace viaduct
