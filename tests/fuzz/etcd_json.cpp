// Whatever etcd sends, and whatever stands in flannel's keys: messages, net-conf.json, leases, names of subnets.
#include <stdexcept>

#include "control/objects/net_conf.h"
#include "control/sources/flannel_etcd/etcd_json.h"
#include "control/sources/flannel_etcd/subnet_record.h"
#include "outcome.h"

namespace viaduct {
namespace {

void read_messages(const std::string& text) {
    may_throw<BadEtcdAnswer>([&] { (void)read_range(text); });
    may_throw<BadEtcdAnswer>([&] { (void)read_watch_message(text); });
    may_throw<BadEtcdAnswer>([&] { (void)read_grant(text); });
    may_throw<BadEtcdAnswer>([&] { (void)read_put(text); });
    may_throw<BadEtcdAnswer>([&] { (void)read_token(text); });
    (void)read_refusal(text);
}

void read_values(const std::string& text) {
    may_throw<std::invalid_argument>([&] { (void)read_net_conf({ObjectKind::config_map, "", "config"}, text); });
    may_throw<std::invalid_argument>([&] { (void)node_of_lease("node", {}, text); });
    // What is understood is said again in the one way in which flanneld says it.
    if (const auto subnets = parse_subnet_key(text); subnets && parse_subnet_key(subnet_key(*subnets)) != subnets)
        std::abort();
}

}  // namespace
}  // namespace viaduct

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text = viaduct::text_of(data, size);
    viaduct::read_messages(text);
    viaduct::read_values(text);
    return 0;
}
