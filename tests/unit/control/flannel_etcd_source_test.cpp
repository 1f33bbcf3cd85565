// flannel's etcd as a source, against a real etcd: what only its own answers show.
#include "control/sources/flannel_etcd/flannel_etcd_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <set>

#include "control/leave/leave.h"
#include "control/sources/flannel_etcd/subnet_record.h"
#include "encap/net_text.h"
#include "etcd_process.h"

namespace viaduct {
namespace {

using Clock = std::chrono::steady_clock;
using ::testing::HasSubstr;

constexpr const char* net_conf = R"({"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":7}})";
/// As flanneld wrote it, on a machine of its own.
constexpr const char* foreign =
    R"({"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":7,"VtepMAC":"c6:d2:32:6f:8f:44"}})";

class FlannelEtcdSourceTest : public ::testing::Test {
protected:
    static NetworkConfig gateway(std::uint8_t number) {
        NetworkConfig network;
        network.name = "flannel";
        network.node_name = "gw" + std::to_string(number);
        network.vtep_v4 = Ipv4{192, 0, 2, number};
        network.vtep_mac = Mac{{2, 0, 0, 0, 0, number}};
        return network;
    }
    [[nodiscard]] SourceConfig config() const {
        SourceConfig config;
        config.name = "etcd";
        config.type = "flannel-etcd";
        config.etcd.endpoints = {etcd_->url()};
        return config;
    }
    void configure(const std::string& conf = net_conf) { etcd_->put("/coreos.com/network/config", conf); }
    FlannelEtcdSource& open(bool lease = false, std::uint8_t number = 10) {
        SourceConfig with = config();
        with.etcd.lease = lease;
        return open(with, number);
    }
    FlannelEtcdSource& open(const SourceConfig& with, std::uint8_t number = 10) {
        return *sources_.emplace_back(std::make_unique<FlannelEtcdSource>(with, gateway(number)));
    }
    template <class Condition>
    bool until(Condition condition) {
        const auto end = Clock::now() + std::chrono::seconds(30);
        while (!condition() && Clock::now() < end) {
            std::vector<pollfd> waits;
            for (const auto& source : sources_) waits.push_back({source->fd(), POLLIN, 0});
            poll(waits.data(), waits.size(), 100);
            for (const auto& source : sources_) source->process();
        }
        return condition();
    }
    bool until_nodes(const std::string& wanted) {
        return until([&] { return nodes(*sources_.front()) == wanted; });
    }
    bool until_error(const std::string& wanted) {
        return until([&] { return errors(*sources_.front()).find(wanted) != std::string::npos; });
    }
    static std::string nodes(const FlannelEtcdSource& source) {
        std::string text;
        for (const auto& one : source.objects().nodes) text += one->key.name + " ";
        return text;
    }
    static std::string errors(const FlannelEtcdSource& source) {
        std::string text;
        for (const std::string& error : source.status().errors) text += error + "\n";
        return text;
    }
    /// The subnet of the gateway with this number, or "".
    static std::string subnet_of(const FlannelEtcdSource& source, std::uint8_t number) {
        for (const auto& one : source.objects().nodes)
            if (one->key.name == "gw" + std::to_string(number)) return one->pod_cidrs.front();
        return "";
    }

    std::unique_ptr<EtcdProcess> etcd_ = std::make_unique<EtcdProcess>();
    std::vector<std::unique_ptr<FlannelEtcdSource>> sources_;
};

TEST_F(FlannelEtcdSourceTest, ReadsTheNetworkAndItsLeases) {
    configure();
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign);
    etcd_->put("/coreos.com/networks", "of somebody else");
    const FlannelEtcdSource& source = open();
    EXPECT_FALSE(source.status().synced);
    ASSERT_TRUE(until_nodes("10.5.52.0-24 ")) << errors(source);
    EXPECT_TRUE(source.status().synced);
    EXPECT_EQ(source.objects().flannel_configs.at(0)->vni, 7U);
    EXPECT_EQ(source.objects().nodes.at(0)->flannel.public_ip, "192.168.64.3");
    EXPECT_EQ(errors(source), "");
    EXPECT_EQ(etcd_->ctl("get --prefix --keys-only /coreos.com/network/subnets/"),
              "/coreos.com/network/subnets/10.5.52.0-24")
        << "without etcd-lease nothing is written";
}

TEST_F(FlannelEtcdSourceTest, LeasesComeAndExpire) {
    configure();
    const FlannelEtcdSource& source = open();
    ASSERT_TRUE(until([&] { return source.status().synced; })) << errors(source);
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign, etcd_->grant(5));
    ASSERT_TRUE(until_nodes("10.5.52.0-24 ")) << errors(source);
    ASSERT_TRUE(until_nodes("")) << "nobody has renewed it";
    EXPECT_EQ(source.status().resources.at(0).lists, 1U);
}

TEST_F(FlannelEtcdSourceTest, AMalformedLeaseKeepsItsLastGoodState) {
    configure();
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign);
    const FlannelEtcdSource& source = open();
    ASSERT_TRUE(until_nodes("10.5.52.0-24 "));
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", "{");
    etcd_->put("/coreos.com/network/subnets/10.5.53.0-24", foreign);
    ASSERT_TRUE(until_nodes("10.5.52.0-24 10.5.53.0-24 "));
    EXPECT_THAT(errors(source), HasSubstr("subnets/10.5.52.0-24: is no lease of flannel's"));
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign);
    EXPECT_TRUE(until([&] { return errors(source).empty(); }));
}

TEST_F(FlannelEtcdSourceTest, TakesASubnetAsFlanneldDoes) {
    configure();
    const FlannelEtcdSource& source = open(true);
    ASSERT_TRUE(until([&] { return !subnet_of(source, 10).empty(); })) << errors(source);
    const std::string key = "/coreos.com/network/subnets/" + subnet_key({*parse_prefix(subnet_of(source, 10)), {}});
    EXPECT_EQ(
        etcd_->ctl("get --print-value-only " + key),
        R"({"PublicIP":"192.0.2.10","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":7,"VtepMAC":"02:00:00:00:00:0a"}})");
    const std::string lease = etcd_->ctl("lease list | tail -1");
    EXPECT_THAT(etcd_->ctl("lease timetolive --keys " + lease), HasSubstr("granted with TTL(86400s)"));
    EXPECT_THAT(etcd_->ctl("lease timetolive --keys " + lease), HasSubstr("attached keys([" + key + "])"));
}

TEST_F(FlannelEtcdSourceTest, LeavingGivesTheSubnetBack) {
    configure();
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign);
    const FlannelEtcdSource& source = open(true);
    ASSERT_TRUE(until([&] { return !subnet_of(source, 10).empty(); })) << errors(source);
    sources_.clear();
    Config leaving;
    leaving.networks = {gateway(10)};
    leaving.sources = {config()};
    leaving.socket = "/nonexistent";
    leaving.sources[0].etcd.endpoints = {"http://127.0.0.1:1", etcd_->url()};
    const Farewell farewell = leave(leaving);
    EXPECT_TRUE(farewell.problems.empty()) << farewell.problems[0].text;
    ASSERT_EQ(farewell.done.size(), 1U);
    EXPECT_THAT(farewell.done[0], HasSubstr(": given back"));
    EXPECT_EQ(etcd_->ctl("get --prefix --keys-only /coreos.com/network/subnets/"),
              "/coreos.com/network/subnets/10.5.52.0-24");
    EXPECT_EQ(etcd_->ctl("lease list | tail -1"), "found 0 leases");
    etcd_->stop();
    ASSERT_EQ(leave(leaving).problems.size(), 1U);
    EXPECT_THAT(leave(leaving).problems[0].text, HasSubstr("check etcd-endpoints"));
}

TEST_F(FlannelEtcdSourceTest, ThreeGatewaysShareTwoSubnets) {
    constexpr std::array<std::uint8_t, 3> gateways{10, 11, 12};
    configure(R"({"Network":"10.5.0.0/16","SubnetMin":"10.5.8.0","SubnetMax":"10.5.9.0","Backend":{"Type":"vxlan"}})");
    for (const std::uint8_t number : gateways) open(true, number);
    std::vector<std::string> got;
    ASSERT_TRUE(until([&] {
        got.clear();
        unsigned refused = 0;
        for (const std::uint8_t number : gateways) {
            const FlannelEtcdSource& source = *sources_[number - 10U];
            if (const std::string subnet = subnet_of(source, number); !subnet.empty()) got.push_back(subnet);
            refused += errors(source).find("10.5.8.0/24 to 10.5.9.0/24 are taken") != std::string::npos ? 1 : 0;
        }
        return got.size() == 2 && refused == 1;
    })) << errors(*sources_[0])
        << errors(*sources_[1]) << errors(*sources_[2]);
    EXPECT_EQ((std::set<std::string>{got[0], got[1]}), (std::set<std::string>{"10.5.8.0/24", "10.5.9.0/24"}));
    EXPECT_EQ(etcd_->ctl("get --prefix --keys-only /coreos.com/network/subnets/ | grep -c subnets"), "2");
    EXPECT_EQ(etcd_->ctl("lease list | head -1"), "found 2 leases") << "losers give theirs back";
}

TEST_F(FlannelEtcdSourceTest, FindsItsSubnetAgainAfterARestart) {
    configure();
    std::string subnet;
    open(true);
    ASSERT_TRUE(until([&] { return !(subnet = subnet_of(*sources_.front(), 10)).empty(); }))
        << errors(*sources_.front());
    sources_.clear();
    open(true);
    const std::string version =
        "get -w fields " + std::string("/coreos.com/network/subnets/") + subnet_key({*parse_prefix(subnet), {}});
    ASSERT_TRUE(until([&] { return etcd_->ctl(version).find("\"Version\" : 2") != std::string::npos; }))
        << "written anew";
    EXPECT_EQ(subnet_of(*sources_.front(), 10), subnet);
    EXPECT_EQ(etcd_->ctl("get --prefix --keys-only /coreos.com/network/subnets/ | grep -c subnets"), "1");
}

TEST_F(FlannelEtcdSourceTest, TakesItsSubnetAgainWhenSomebodyErasesIt) {
    configure();
    const FlannelEtcdSource& source = open(true);
    ASSERT_TRUE(until([&] { return !subnet_of(source, 10).empty(); })) << errors(source);
    const std::string subnet = subnet_of(source, 10);
    EXPECT_EQ(etcd_->ctl("del --prefix /coreos.com/network/subnets/"), "1");
    ASSERT_TRUE(until([&] { return subnet_of(source, 10).empty(); }));
    ASSERT_TRUE(until([&] { return !subnet_of(source, 10).empty(); })) << errors(source);
    EXPECT_EQ(subnet_of(source, 10), subnet);
}

TEST_F(FlannelEtcdSourceTest, KeepsEverythingWhileEtcdIsAway) {
    configure();
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign);
    const FlannelEtcdSource& source = open();
    ASSERT_TRUE(until_nodes("10.5.52.0-24 "));
    etcd_->stop();
    ASSERT_TRUE(until_error("/coreos.com/network/: ")) << errors(source);
    EXPECT_EQ(nodes(source), "10.5.52.0-24 ");
    EXPECT_TRUE(source.status().synced);
    etcd_->start();
    etcd_->put("/coreos.com/network/subnets/10.5.53.0-24", foreign);
    ASSERT_TRUE(until_nodes("10.5.52.0-24 10.5.53.0-24 ")) << errors(source);
    EXPECT_EQ(errors(source), "");
    EXPECT_EQ(source.status().resources.at(0).lists, 1U) << "the watch went on where it was";
}

TEST_F(FlannelEtcdSourceTest, ReadsAgainWhatWasCompactedMeanwhile) {
    configure();
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign);
    etcd_->put("/coreos.com/network/subnets/10.5.53.0-24", foreign);
    const FlannelEtcdSource& source = open();
    ASSERT_TRUE(until_nodes("10.5.52.0-24 10.5.53.0-24 "));
    const auto unchanged = source.objects().nodes.at(1);
    etcd_->stop();
    etcd_->start();
    EXPECT_EQ(etcd_->ctl("del /coreos.com/network/subnets/10.5.52.0-24"), "1");
    etcd_->put("/coreos.com/network/subnets/10.5.54.0-24", foreign);
    EXPECT_THAT(etcd_->ctl("compact $(( " + source.status().resources.at(0).version + " + 2 ))"),
                HasSubstr("compacted revision"));
    ASSERT_TRUE(until_nodes("10.5.53.0-24 10.5.54.0-24 ")) << errors(source);
    EXPECT_EQ(source.status().resources.at(0).expirations, 1U);
    EXPECT_EQ(source.objects().nodes.at(0), unchanged) << "what is the same stays the same object";
}

TEST_F(FlannelEtcdSourceTest, AnEmptyEtcdErasesNothing) {
    configure();
    etcd_->put("/coreos.com/network/subnets/10.5.52.0-24", foreign);
    const FlannelEtcdSource& source = open();
    ASSERT_TRUE(until_nodes("10.5.52.0-24 "));
    etcd_->wipe();
    ASSERT_TRUE(until_error("there is no key below /coreos.com/network/")) << errors(source);
    EXPECT_EQ(nodes(source), "10.5.52.0-24 ");
    configure();
    etcd_->put("/coreos.com/network/subnets/10.5.60.0-24", foreign);
    EXPECT_TRUE(until_nodes("10.5.60.0-24 ")) << errors(source);
}

TEST_F(FlannelEtcdSourceTest, AnotherMemberIsAskedWhenOneIsAway) {
    configure();
    SourceConfig two = config();
    two.etcd.lease = false;
    two.etcd.endpoints.insert(two.etcd.endpoints.begin(), "http://127.0.0.1:" + free_port());
    const FlannelEtcdSource& source = open(two);
    EXPECT_TRUE(until([&] { return source.status().synced; })) << errors(source);
}

TEST_F(FlannelEtcdSourceTest, PresentsUserAndPassword) {
    configure();
    for (const char* command :
         {"user add root:secret", "user add viaduct:pass", "role add flannel", "user grant-role root root",
          "role grant-permission flannel --prefix=true readwrite /coreos.com/network/", "auth enable"})
        ASSERT_THAT(etcd_->ctl(command), ::testing::Not(HasSubstr("rror"))) << command;
    etcd_->ctl_options = "--user root:secret";
    TemporaryDirectory files;
    files.write("password", "wrong\n");
    SourceConfig with = config();
    with.etcd.user = "viaduct";
    with.etcd.password_file = files.path() / "password";
    const FlannelEtcdSource& source = open(with);
    ASSERT_TRUE(until_error("does not accept the user viaduct")) << errors(source);
    EXPECT_THAT(errors(source), HasSubstr("correct etcd-username, or the password in etcd-password-file"));
    files.write("password", "pass\n");
    ASSERT_TRUE(until_error("etcdctl role grant-permission ROLE --prefix=true readwrite /coreos.com/network/"))
        << errors(source);
    (void)etcd_->ctl("user grant-role viaduct flannel");
    EXPECT_TRUE(until([&] { return !subnet_of(source, 10).empty(); })) << errors(source);
    EXPECT_TRUE(until([&] { return errors(source).empty(); })) << errors(source);
}

TEST_F(FlannelEtcdSourceTest, PresentsAClientCertificate) {
    TemporaryDirectory files;
    const std::string in = "cd " + files.path().string() + " && ";
    const auto certificate = [&](const std::string& name, const std::string& extension) {
        files.write(name + ".ext", extension);
        output_of(in + "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name +
                  " -keyout " + name + ".key -out " + name + ".csr && openssl x509 -req -in " + name +
                  ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile " + name + ".ext -out " + name +
                  ".crt");
    };
    output_of(in +
              "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout "
              "ca.key -out ca.crt");
    certificate("server", "subjectAltName=IP:127.0.0.1");
    certificate("client", "extendedKeyUsage=clientAuth");
    const std::string path = files.path().string() + "/";
    etcd_ = std::make_unique<EtcdProcess>(
        std::vector<std::string>{"--cert-file", path + "server.crt", "--key-file", path + "server.key",
                                 "--client-cert-auth", "--trusted-ca-file", path + "ca.crt"},
        "https");
    etcd_->ctl_options = "--cacert " + path + "ca.crt --cert " + path + "client.crt --key " + path + "client.key";
    configure();
    SourceConfig with = config();
    with.etcd.ca_file = path + "ca.crt";
    ASSERT_NO_FATAL_FAILURE(open(with));
    ASSERT_TRUE(until_error("alert")) << "it asks for a certificate: " << errors(*sources_.front());
    sources_.clear();
    with.etcd.cert_file = path + "client.crt";
    with.etcd.key_file = path + "client.key";
    open(with);
    EXPECT_TRUE(until([&] { return !subnet_of(*sources_.front(), 10).empty(); })) << errors(*sources_.front());
}

}  // namespace
}  // namespace viaduct
