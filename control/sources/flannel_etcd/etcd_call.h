// One request to etcd whose answer is heard as a whole.
#pragma once

#include <functional>
#include <string>

#include "control/sources/flannel_etcd/etcd_transport.h"

namespace viaduct {

struct EtcdAnswer {
    int status = 0;    // of HTTP; 0: none came
    std::string body;  // what it said, or what went wrong on the way
    [[nodiscard]] bool good() const { return status == 200; }
};

/// Control thread only. Whoever destroys it hears no more of it.
class EtcdCall final : private ResponseHandler {
public:
    using Send = std::function<std::unique_ptr<Exchange>(ResponseHandler&)>;
    using Done = std::function<void(const EtcdAnswer&)>;

    /// `done` is called once, later, and may destroy the call.
    EtcdCall(const Send& send, Done done) : done_(std::move(done)), exchange_(send(*this)) {}
    EtcdCall(const EtcdCall&) = delete;
    EtcdCall& operator=(const EtcdCall&) = delete;

private:
    void on_response(int status, std::chrono::seconds) override { answer_.status = status; }
    void on_data(std::string_view data) override { answer_.body += data; }
    void on_end(const std::string& error) override {
        if (!error.empty()) answer_ = {0, error};
        const Done done = std::move(done_);
        const EtcdAnswer answer = std::move(answer_);
        done(answer);
    }

    Done done_;
    EtcdAnswer answer_;
    std::unique_ptr<Exchange> exchange_;
};

}  // namespace viaduct
