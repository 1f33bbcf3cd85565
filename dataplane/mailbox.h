// A worker's mailbox: how another thread reads its connections without a lock.
//
// Theory of operation. The asker fills in a request and posts its address; the worker copies one slice of records into
// the asker's memory between two turns, then takes the request out. The asker waits and asks for the next slice. The
// worker allocates nothing, waits for nothing, and spends a bounded time.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>

#include "dataplane/stages.h"

namespace viaduct {

struct ConnectionRequest {
    Family family{};
    std::size_t cursor = 0;  // ConnectionTable::copy's: in and out, 0 at the end
    std::span<Connection<Ipv4>> v4{};
    std::span<Connection<Ipv6>> v6{};
    std::size_t copied = 0;
    Seconds clock = 0;  // the worker's, when it answered
};

class Mailbox {
public:
    /// One asker at a time. The request stays the worker's until `answered`.
    void post(ConnectionRequest& request) noexcept { request_.store(&request, std::memory_order_release); }
    [[nodiscard]] bool answered() const noexcept { return request_.load(std::memory_order_acquire) == nullptr; }
    /// Takes an unanswered request back. Only when the worker's thread has ended.
    void withdraw() noexcept { request_.store(nullptr, std::memory_order_relaxed); }

    /// Worker thread, once a turn.
    void serve(Connections& connections, Seconds clock) noexcept {
        if (ConnectionRequest* request = request_.load(std::memory_order_acquire)) answer(*request, connections, clock);
    }

private:
    void answer(ConnectionRequest& request, Connections& connections, Seconds clock) noexcept;
    std::atomic<ConnectionRequest*> request_{nullptr};
};

}  // namespace viaduct
