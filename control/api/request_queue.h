// The API's threads, with a bound on how many connections may wait for them.
#pragma once

#include <httplib.h>

#include <semaphore>

namespace viaduct {

/// httplib accepts connections faster than it serves them. Here it stops accepting when `waiting` connections are in
/// service or in line, so that clients cannot use up the gateway's descriptors; further ones wait in the kernel.
class RequestQueue : public httplib::TaskQueue {
public:
    static constexpr std::ptrdiff_t waiting = 32;
    explicit RequestQueue(std::size_t threads) : pool_(threads) {}

    void enqueue(std::function<void()> serve) override {
        room_.acquire();
        pool_.enqueue([this, serve = std::move(serve)] {
            serve();
            room_.release();
        });
    }
    void shutdown() override { pool_.shutdown(); }

private:
    std::counting_semaphore<waiting> room_{waiting};
    httplib::ThreadPool pool_;
};

}  // namespace viaduct
