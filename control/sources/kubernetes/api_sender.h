// Sends what the writers say to the API server, over the connections that the reflectors use.
#pragma once

#include <list>
#include <memory>

#include "control/sources/kubernetes/api_client.h"
#include "control/writers/api_writer.h"

namespace viaduct {

/// Control thread only. Waits for credentials where a plugin has yet to fetch them, and asks for them anew, once for
/// each request, when the server answers 401. Everything else that goes wrong is the answer.
class ApiSender final : public ApiWriter {
public:
    /// For the whole answer, credentials included: the Lease of a leader is renewed within the same time.
    static constexpr std::chrono::seconds answer_time{10};

    ApiSender(ApiClient& client, const Timing& timing, std::chrono::milliseconds time = answer_time);
    ~ApiSender() override;

    void send(const ApiRequest& request, Done done) override;
    /// Begins what was waiting for credentials, and gives up on what waited too long.
    void tick();
    [[nodiscard]] TimePoint due() const;
    [[nodiscard]] bool idle() const { return writes_.empty(); }

private:
    class Write;
    void finish(const Write& write, const ApiAnswer& answer);

    ApiClient& client_;
    const Timing& timing_;
    const std::chrono::milliseconds time_;
    std::list<std::unique_ptr<Write>> writes_;
};

}  // namespace viaduct
