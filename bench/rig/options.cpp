// What can be asked of the rig.
#include "bench/rig/options.h"

#include <charconv>
#include <sstream>
#include <stdexcept>

#include "bench/command_line.h"
#include "bench/split.h"
#include "bench/traffic.h"
#include "encap/net_text.h"

namespace viaduct::rig {
namespace {

namespace po = boost::program_options;

po::typed_value<std::string>* text(const char* value) { return po::value<std::string>()->default_value(value); }
po::typed_value<double>* number(double value, const char* shown) {
    return po::value<double>()->default_value(value, shown);
}

po::options_description traffic_options() {
    po::options_description options("Traffic");
    options.add_options()                                                                                         //
        ("workload", text("encap,decap,service"), "encap, decap, service, reply, exchange; with commas, or all")  //
        ("size", text("64"), "frame sizes, FCS included: 64 to 1518, imix; with commas, or all")                  //
        ("flows", text("1024"), "numbers of flows, with commas")                                                  //
        ("zipf", number(0, "0"), "skew of the flows' shares; 0: all alike, in random order")                      //
        ("new-flows", number(0, "0"), "flows per second that end while others begin")                             //
        ("ip", text("4"), "the flows' family: 4 or 6")                                                            //
        ("outer", text("4"), "the tunnel's family: 4 or 6")                                                       //
        ("services", text("100"), "Services in the cluster")                                                      //
        ("backends", text("1000"), "pods behind them, all together")                                              //
        ("peers", text("16"), "nodes")                                                                            //
        ("seed", po::value<std::uint64_t>()->default_value(1), "of flows, destinations and their order");
    return options;
}

po::options_description test_options() {
    po::options_description options("Tests");
    options.add_options()                                                                                      //
        ("tests", text("search,latency,loss,burst,reconfigure,flows"), "these and soak; with commas, or all")  //
        ("trial", number(0.25, "0.25"), "seconds of a full trial")                                             //
        ("sum", number(0.75, "0.75"), "seconds of trials that decide about a load")                            //
        ("width", number(0.5, "0.5"), "per cent between the bounds of a throughput")                           //
        ("pdr", number(0.5, "0.5"), "per cent that the partial drop rate may lose")                            //
        ("soak", number(60, "60"), "seconds of the soak test")                                                 //
        ("change-rate", number(20, "20"), "changes of endpoints per second in the reconfiguration test")       //
        ("sweep", text("1,1024,65536,524288"), "numbers of flows for the test flows")                          //
        ("check-sums", po::value<unsigned>()->default_value(64),
         "look at the checksums of one frame in so many; 1: all");
    return options;
}

po::options_description place_options() {
    po::options_description options("Gateway and ports");
    options.add_options()  //
        ("ports", text("memif"),
         "between rig and a gateway that it starts: memif, vhost (vhost-user) or veth (AF_XDP)")                     //
        ("gateway", text(""), "the program to start; default: the one of this build, or `viaduct` beside this one")  //
        ("gateway-cpus", text(""), "its workers' CPUs; default: the last one")                                       //
        ("cpu", po::value<int>()->default_value(-1, "first"), "the generator's CPU")                                 //
        ("attach", text(""), "API socket of a gateway that runs already; - : it cannot be asked")                    //
        ("outside", text(""), "with --attach: the rig's device towards the gateway's outside port")                  //
        ("underlay", text(""), "with --attach: the rig's device towards its underlay port")                          //
        ("outside-mac", text(""), "with --attach -: the Ethernet address of the gateway's outside port")(
            "underlay-mac", text(""), "with --attach -: that of its underlay port")(
            "objects", text(""), "with --attach: the directory of objects that it follows, for reconfigure")  //
        ("prepare", text(""), "write such a gateway's configuration into this directory, and end")            //
        ("gateway-outside", text("DEVICE"), "with --prepare: its outside device")                             //
        ("gateway-underlay", text("DEVICE"), "with --prepare: its underlay device");
    return options;
}

po::options_description all_options() {
    po::options_description all, output("Output");
    output.add_options()                                                                  //
        ("json", text(""), "write everything to this file")                               //
        ("csv", text(""), "write a line for each throughput to this file")                //
        ("html", text(""), "write a report with plots to this file")                      //
        ("quick", "a few hundred milliseconds a test: tells whether all works, no more")  //
        ("help", "tell this and exit");
    return all.add(traffic_options()).add(test_options()).add(place_options()).add(output);
}

[[noreturn]] void refuse(const std::string& option, const std::string& value, const std::string& expected) {
    throw std::invalid_argument("--" + option + " '" + value + "': expected " + expected);
}

class Given {
public:
    explicit Given(const po::variables_map& values) : values_(values) {}
    [[nodiscard]] const std::string& text(const char* option) const { return values_[option].as<std::string>(); }
    [[nodiscard]] double number(const char* option, double least, double most) const {
        const double value = values_[option].as<double>();
        if (!(value >= least && value <= most)) refuse(option, brief(value), brief(least) + " to " + brief(most));
        return value;
    }
    [[nodiscard]] std::vector<std::uint32_t> counts(const char* option, std::uint32_t most) const {
        std::vector<std::uint32_t> all;
        for (const std::string& item : split(text(option))) {
            std::uint32_t count = 0;
            const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), count);
            if (error != std::errc() || end != item.data() + item.size() || count == 0 || count > most)
                refuse(option, text(option), "numbers from 1 to " + std::to_string(most));
            all.push_back(count);
        }
        if (all.empty()) refuse(option, "", "a number");
        return all;
    }
    [[nodiscard]] std::uint32_t count(const char* option, std::uint32_t most) const {
        return counts(option, most).front();
    }
    [[nodiscard]] std::optional<Mac> mac(const char* option) const {
        if (text(option).empty()) return std::nullopt;
        const auto mac = parse_mac(text(option));
        if (!mac) refuse(option, text(option), "an Ethernet address, 02:00:00:00:00:01");
        return mac;
    }
    [[nodiscard]] Family family(const char* option) const {
        if (text(option) != "4" && text(option) != "6") refuse(option, text(option), "4 or 6; run it once for each");
        return text(option) == "4" ? Family::v4 : Family::v6;
    }

private:
    static std::string brief(double value) {
        std::ostringstream out;
        out << value;
        return out.str();
    }
    const po::variables_map& values_;
};

std::vector<Workload> workloads(const Given& given) {
    std::vector<Workload> all;
    for (const std::string& item : split(given.text("workload"))) {
        const std::size_t before = all.size();
        for (const WorkloadText& one : workload_texts)
            if (item == one.name || item == "all") all.push_back(one.workload);
        if (all.size() == before) refuse("workload", item, "encap, decap, service, reply, exchange or all");
    }
    return all;
}

std::vector<FrameSizes> sizes(const Given& given) {
    std::vector<FrameSizes> all;
    for (const std::string& item : split(given.text("size"))) try {
            if (item == "all")
                for (const char* each : {"64", "128", "256", "512", "1024", "1280", "1518", "imix"})
                    all.push_back(FrameSizes::parse(each));
            else
                all.push_back(FrameSizes::parse(item));
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument("--size " + std::string(error.what()));
        }
    return all;
}

Tests tests(const Given& given) {
    Tests tests;
    const std::vector<std::pair<std::string, bool Tests::*>> names{
        {"search", &Tests::search}, {"latency", &Tests::latency},         {"loss", &Tests::loss},
        {"burst", &Tests::burst},   {"reconfigure", &Tests::reconfigure}, {"soak", &Tests::soak},
        {"flows", &Tests::flows}};
    for (const std::string& item : split(given.text("tests"))) {
        bool known = false;
        for (const auto& [name, test] : names)
            if (item == name || item == "all") known = tests.*test = true;
        if (!known) refuse("tests", item, "search, latency, loss, burst, reconfigure, flows, soak or all");
    }
    if (!tests.search) refuse("tests", given.text("tests"), "search among them: the others' loads follow from it");
    return tests;
}

void take_place(RigOptions& options, const Given& given) {
    options.ports = given.text("ports");
    if (options.ports != "memif" && options.ports != "vhost" && options.ports != "veth")
        refuse("ports", options.ports, "memif, vhost or veth");
    options.gateway = given.text("gateway");
    options.gateway_cpus = given.text("gateway-cpus");
    options.attach = given.text("attach");
    options.outside = given.text("outside");
    options.underlay = given.text("underlay");
    options.outside_mac = given.mac("outside-mac");
    options.underlay_mac = given.mac("underlay-mac");
    options.objects = given.text("objects");
    options.prepare = given.text("prepare");
    options.gateway_devices[0] = given.text("gateway-outside");
    options.gateway_devices[1] = given.text("gateway-underlay");
    const bool has_ports = !options.outside.empty() && !options.underlay.empty();
    if (options.attach == "-" && !(options.outside_mac && options.underlay_mac))
        throw std::invalid_argument("--attach - needs --outside-mac and --underlay-mac, since nobody can be asked");
    if (options.attach.empty() == has_ports)
        throw std::invalid_argument(has_ports ? "--outside and --underlay go with --attach"
                                              : "--attach needs --outside and --underlay, the rig's own devices");
}

void take_traffic(RigOptions& options, const Given& given) {
    options.workloads = workloads(given);
    options.sizes = sizes(given);
    options.flows = given.counts("flows", max_flows);
    options.sweep = given.counts("sweep", max_flows);
    options.skew = given.number("zipf", 0, 3);
    options.new_flows = given.number("new-flows", 0, 1e6);
    for (const Workload workload : options.workloads)
        if (options.new_flows > 0 && (workload == Workload::reply || workload == Workload::exchange))
            refuse("new-flows", given.text("workload"), "encap, decap or service: answers need to know their flows");
    options.inner = given.family("ip");
    options.outer = given.family("outer");
    options.world = {given.count("services", 10'000), given.count("backends", 100'000), given.count("peers", 1'000)};
    if (options.world.backends % options.world.services != 0 || options.world.backends < 2 * options.world.services)
        refuse("backends", given.text("backends"), "a multiple of --services, at least twice as many");
}

void make_quick(RigOptions& options) {
    options.trial = 0.02;
    options.sum = 0.02;
    options.width = 0.1;
    options.soak = 0.2;
    options.repeats = 1;
    options.sweep = {1, 256};
    options.flows = {64};
    options.world = {10, 100, 4};
}

}  // namespace

RigOptions parse_rig_options(int argc, const char* const* argv) {
    RigOptions options;
    const po::variables_map values = parse_command_line(all_options(), argc, argv);
    options.help = values.count("help") != 0;
    if (options.help) return options;
    const Given given(values);
    take_traffic(options, given);
    take_place(options, given);
    options.tests = tests(given);
    options.trial = given.number("trial", 0.01, 60);
    options.sum = given.number("sum", options.trial, 3'600);
    options.width = given.number("width", 0.01, 50) / 100;
    options.pdr = given.number("pdr", 0, 50) / 100;
    options.soak = given.number("soak", 0.1, 86'400);
    options.change_rate = given.number("change-rate", 0.1, 1'000);
    options.check_sums_of = std::max(1U, values["check-sums"].as<unsigned>());
    options.cpu = values["cpu"].as<int>();
    options.seed = values["seed"].as<std::uint64_t>();
    options.json = given.text("json");
    options.csv = given.text("csv");
    options.html = given.text("html");
    options.quick = values.count("quick") != 0;
    if (options.quick) make_quick(options);
    options.command = "viaduct-bench rig";
    for (int i = 1; i < argc; ++i) options.command.append(" ").append(argv[i]);
    return options;
}

std::string rig_help() {
    std::ostringstream text;
    text << "Drives a gateway by its ports from a core of its own: throughput without loss (NDR) and with at most 0.5 "
            "% (PDR)\n"
            "by MLRsearch, latency, frame loss, back-to-back frames, reconfiguration, soak. Every frame that comes "
            "back is\n"
            "checked. By default it starts the gateway, in a network namespace that ends with it; that takes root.\n"
         << all_options()
         << "\nExamples\n"
            "  viaduct-bench rig --html report.html --json report.json         two or three minutes\n"
            "  viaduct-bench rig --workload service --flows 65536 --zipf 1.1 --new-flows 10000\n"
            "  viaduct-bench rig --size all --trial 1 --sum 21                 as CSIT has it; takes hours\n"
            "  viaduct-bench rig --prepare gw --gateway-outside 0000:01:00.0 --gateway-underlay 0000:01:00.1\n"
            "  viaduct-bench rig --attach gw/viaduct.sock --outside 0000:02:00.0 --underlay 0000:02:00.1\n"
            "Devices are DPDK's: 0000:02:00.0, net_memif0,role=client,socket=PATH,socket-abstract=no,\n"
            "net_virtio_user0,path=PATH for a vhost-user socket, net_af_packet0,iface=NAME, net_af_xdp0,iface=NAME\n";
    return text.str();
}

}  // namespace viaduct::rig
