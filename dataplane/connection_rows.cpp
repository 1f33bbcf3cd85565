// Turns connection records into rows.
#include "dataplane/connection_rows.h"

#include <array>
#include <chrono>
#include <thread>

namespace viaduct {
namespace {

constexpr std::size_t slice = 128;  // records that a worker copies between two turns: a few microseconds

const char* text_of(TcpState state) {
    switch (state) {
        case TcpState::none:
            return "";
        case TcpState::syn_sent:
            return "SYN_SENT";
        case TcpState::syn_received:
            return "SYN_RECEIVED";
        case TcpState::established:
            return "ESTABLISHED";
        case TcpState::fin_original:
            return "FIN_CLIENT";
        case TcpState::fin_reply:
            return "FIN_SERVER";
        case TcpState::closing:
            return "CLOSING";
        case TcpState::reset:
            return "RESET";
    }
    return "";
}

template <Address A>
ConnectionRow row_of(const Connection<A>& connection, WorkerId worker, const Timeouts& timeouts, Seconds clock) {
    ConnectionRow row;
    row.worker = worker;
    row.protocol = connection.original.protocol;
    row.network = connection.original.network;
    row.client = connection.original.source;
    row.client_port = connection.original.source_port.value();
    row.frontend = connection.original.destination;
    row.frontend_port = connection.original.destination_port.value();
    row.backend = connection.reply.source;
    row.backend_port = connection.reply.source_port.value();
    row.snat = connection.reply.destination;
    row.snat_port = connection.reply.destination_port.value();
    row.service = connection.service;
    row.state = text_of(connection.tcp);
    // A record may have been touched in the very second that the worker's clock is about to begin.
    row.idle_seconds = clock > connection.last_seen ? clock - connection.last_seen : 0;
    const Seconds limit = idle_limit(timeouts, row.protocol, connection.tcp);
    row.expires_seconds = limit > row.idle_seconds ? limit - row.idle_seconds : 0;
    row.translated = connection.translated;
    return row;
}

void wait_for_answer(Worker& worker) {
    while (worker.running() && !worker.mailbox().answered()) std::this_thread::sleep_for(std::chrono::microseconds(20));
}

template <Address A>
void collect(Worker& worker, WorkerId id, const Timeouts& timeouts, std::size_t limit,
             std::vector<ConnectionRow>& rows) {
    std::array<Connection<A>, slice> records;
    ConnectionRequest request;
    request.family = family_of<A>;
    if constexpr (std::same_as<A, Ipv4>)
        request.v4 = records;
    else
        request.v6 = records;
    do {
        worker.mailbox().post(request);
        wait_for_answer(worker);
        if (!worker.mailbox().answered()) return worker.mailbox().withdraw();
        for (std::size_t i = 0; i < request.copied && rows.size() < limit; ++i)
            rows.push_back(row_of(records[i], id, timeouts, request.clock));
    } while (request.cursor != 0 && rows.size() < limit);
}

}  // namespace

void collect_connections(Worker& worker, WorkerId id, const Timeouts& timeouts, std::size_t limit,
                         std::vector<ConnectionRow>& rows) {
    collect<Ipv4>(worker, id, timeouts, limit, rows);
    collect<Ipv6>(worker, id, timeouts, limit, rows);
}

}  // namespace viaduct
