// httplib's server with one request a connection, and a time by which that is over.
#pragma once

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace viaduct {

/// A connection with deadlines for all of a request and all of an answer. httplib's own limits are for each byte, so that
/// a client that sends or takes one now and then would keep its thread for hours. Closes the socket, which it owns.
class DeadlineStream : public httplib::Stream {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds request_time{2}, answer_time{10};
    explicit DeadlineStream(socket_t socket) : socket_(socket) {}
    DeadlineStream(const DeadlineStream&) = delete;
    DeadlineStream& operator=(const DeadlineStream&) = delete;
    ~DeadlineStream() override {
        shutdown(socket_, SHUT_RDWR);
        close(socket_);
    }

    [[nodiscard]] bool is_readable() const override { return next_ < filled_ || wait_for(POLLIN, asked_by_); }
    [[nodiscard]] bool is_writable() const override { return wait_for(POLLOUT, answered_by_); }
    /// httplib reads a request's head byte by byte.
    ssize_t read(char* to, std::size_t size) override {
        if (next_ == filled_ && !fill()) return -1;
        const std::size_t taken = std::min(size, filled_ - next_);
        std::copy_n(&bytes_[next_], taken, to);
        next_ += taken;
        return static_cast<ssize_t>(taken);
    }
    ssize_t write(const char* from, std::size_t size) override {
        return wait_for(POLLOUT, answered_by_) ? send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
    }
    void get_remote_ip_and_port(std::string&, int&) const override {}  // a path has neither
    void get_local_ip_and_port(std::string&, int&) const override {}
    [[nodiscard]] socket_t socket() const override { return socket_; }

private:
    [[nodiscard]] bool wait_for(short events, Clock::time_point end) const {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd waited{socket_, events, 0};
        return left > 0 && poll(&waited, 1, static_cast<int>(left)) > 0;
    }
    bool fill() {
        const ssize_t got = wait_for(POLLIN, asked_by_) ? recv(socket_, bytes_.data(), bytes_.size(), MSG_DONTWAIT) : -1;
        next_ = 0;
        filled_ = static_cast<std::size_t>(std::max<ssize_t>(got, 0));
        return got > 0;
    }

    const socket_t socket_;
    const Clock::time_point asked_by_ = Clock::now() + request_time, answered_by_ = asked_by_ + answer_time;
    std::array<char, 4096> bytes_{};
    std::size_t next_ = 0, filled_ = 0;  // what was received and not read yet
};

class DeadlineServer : public httplib::Server {
    bool process_and_close_socket(socket_t socket) override {
        DeadlineStream stream(socket);
        bool closed = false;
        return process_request(stream, true, closed, nullptr);
    }
};

}  // namespace viaduct
