// A gateway in Calico's or Cilium's network, whose objects are changed case by case; what it makes of them, as text.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "control/desired/overlay.h"
#include "encap/net_text.h"
#include "tests/unit/control/cluster_text.h"

namespace viaduct {

inline std::string text_of_file(const std::string& name) {
    std::ifstream file(SOURCE_ROOT "/tests/data/" + name);
    EXPECT_TRUE(file) << name;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The text with what is to be changed in it.
struct Change {
    std::string from, to;
};
inline std::string changed(std::string text, const std::vector<Change>& changes) {
    for (const auto& [from, to] : changes) {
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        if (at != std::string::npos) text.replace(at, from.size(), to);
    }
    return text;
}

class OverlayTest : public ::testing::Test {
protected:
    OverlayTest(NetworkType type, const char* file) : text_(text_of_file(file)) {
        NetworkConfig& network = config_.networks.emplace_back();
        network.name = "demo";
        network.type = type;
        PortFacts& port = ports_.emplace_back();
        port.name = port.interface_name = "underlay";
        port.interface_index = 3;
        kernel_.interfaces = {{3, "eth1", "", {}, 1500, true, true}};
        kernel_.addresses = {{3, Ipv4(192, 0, 2, 9), 24, false}, {3, *parse_ip("2001:db8::9"), 64, false}};
    }
    NetworkConfig& network() { return config_.networks[0]; }
    void make(const std::vector<Change>& changes = {}, const std::string& more = "") {
        objects_ = {};
        for (const Object& object : objects_in(changed(text_, changes) + "---\n" + more)) objects_.add(object);
        objects_.unread = unread_;
        const SourceObjects source{"demo", &objects_};
        out_ = desired_state({config_, {&source, 1}, kernel_, ports_, nullptr, nullptr});
    }
    const DesiredNetwork& made() const { return out_.state.networks.at(0); }
    std::string peers() const {
        std::string text;
        for (const DesiredPeer& peer : out_.state.peers) {
            text += peer.name + " " + to_string(peer.underlay) + " " + to_string(peer.vtep_mac) + " " +
                    std::to_string(peer.mtu);
            for (const IpPrefix& subnet : peer.pod_subnets) text += " " + to_string(subnet);
            text += "\n";
        }
        return text;
    }
    std::string findings() const { return text_of(out_.findings); }
    std::string remedies() const {
        std::string text;
        for (const Finding& one : out_.findings) text += one.remedy + "\n";
        return text;
    }

    std::string text_;
    Config config_;
    std::vector<PortFacts> ports_;
    KernelState kernel_;
    Objects objects_;
    std::set<ObjectKind> unread_;
    DesiredOutput out_;
};

inline std::string text_of(const std::vector<IpPrefix>& prefixes) {
    std::string text;
    for (const IpPrefix& one : prefixes) text += to_string(one) + " ";
    return text;
}

}  // namespace viaduct
