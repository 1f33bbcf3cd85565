// Gives back the gateway's subnet in flannel's etcd.
#include <poll.h>

#include "control/leave/leave.h"
#include "control/sources/flannel_etcd/flannel_etcd_source.h"
#include "encap/net_text.h"

namespace viaduct {

namespace {

constexpr std::chrono::seconds member_time{10};  // of one member

class PatientEtcd {
public:
    explicit PatientEtcd(const SourceConfig& source)
        : members_(source.etcd.endpoints.size()), client_(etcd_access(source), http_, timing_) {}

    /// Each member is asked once. Throws std::runtime_error.
    [[nodiscard]] std::string ask(const char* path, const std::string& body) {
        EtcdAnswer answer;
        for (std::size_t member = 0; member < members_; ++member) {
            answer = ask_once(path, body, member != 0);
            if (answer.good()) return answer.body;
        }
        throw std::runtime_error("etcd answers " + std::to_string(answer.status) + " (" + read_refusal(answer.body) +
                                 "): check etcd-endpoints, certificates and password");
    }

private:
    [[nodiscard]] EtcdAnswer ask_once(const char* path, const std::string& body, bool another_member) {
        EtcdAnswer answer{0, "no answer in time"};
        if (!wait_for([&] { return client_.ready(); })) return {0, client_.problem()};
        bool came = false;
        const EtcdCall call([&](ResponseHandler& handler) { return client_.post(path, body, handler, another_member); },
                            [&](const EtcdAnswer& one) {
                                answer = one;
                                came = true;
                            });
        wait_for([&] { return came; });
        return answer;
    }

    bool wait_for(const std::function<bool()>& condition) {
        for (const TimePoint end = timing_.now() + member_time; !condition();) {
            if (timing_.now() >= end) return false;
            pollfd wait{http_.fd(), POLLIN, 0};
            poll(&wait, 1, 50);
            http_.process();
        }
        return true;
    }

    const std::size_t members_;
    const Timing timing_ = real_timing();
    Http http_;
    EtcdClient client_;
};

bool is_of(const EtcdKeyValue& key, const Ipv4& public_ip) {
    try {
        return node_of_lease("", {}, key.value).flannel.public_ip == to_string(public_ip);
    } catch (const std::invalid_argument&) {
        return false;  // whoever wrote that, it was not a gateway
    }
}

}  // namespace

void leave_etcd(const SourceConfig& source, const NetworkConfig& network, Farewell& farewell) {
    if (!source.etcd.lease || !network.vtep_v4) return;
    PatientEtcd etcd(source);
    const EtcdRange range = read_range(etcd.ask("/v3/kv/range", range_request(source.etcd.prefix + "/subnets/")));
    for (const EtcdKeyValue& key : range.keys) {
        if (!is_of(key, *network.vtep_v4)) continue;
        if (key.lease == 0) {
            farewell.done.push_back(key.key + ": is a reservation, made by hand, and stays");
            continue;
        }
        // The key goes with its etcd lease.
        (void)etcd.ask("/v3/lease/revoke", revoke_request(key.lease));
        farewell.done.push_back(key.key + ": given back");
    }
}

}  // namespace viaduct
