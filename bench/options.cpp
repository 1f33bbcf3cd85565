// What can be asked for, and what cannot.
#include "bench/options.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

#include "bench/command_line.h"
#include "bench/split.h"

namespace viaduct {
namespace {

namespace po = boost::program_options;

constexpr unsigned largest_size = 1518;

po::options_description all_options() {
    po::options_description all("Options");
    const auto text = [](const char* value) { return po::value<std::string>()->default_value(value); };
    all.add_options()                                                                                //
        ("workload", text("all"), "what to time, by name, comma-separated; --list tells the names")  //
        ("flows", text("1,64512,1032192,4128768"), "numbers of flows, in random order")              //
        ("burst", text("32,64"), "packets per burst, 1 to 64")                                       //
        ("ip", text("both"), "the packets' family: 4, 6 or both")                                    //
        ("outer", text("4"), "the tunnel's family: 4, 6 or both")                                    //
        ("size", po::value<unsigned>()->default_value(0),
         "bytes of the plain frame, FCS included, up to 1518; 0: the smallest, 64 (IPv6: 78)")      //
        ("cache", text("hot"), "packet buffers: hot (just used) or cold (16,383 of them in turn)")  //
        ("checksums", text("software"),
         "who verifies a tunnel's UDP checksum: software, or nic (frames come with the mark of a NIC that has)")  //
        ("runs", po::value<unsigned>()->default_value(10), "runs per row")                                        //
        ("seconds", po::value<double>()->default_value(0.2, "0.2"), "timed work in each run, at least")           //
        ("seed", po::value<std::uint64_t>()->default_value(1), "of the flows' order and destinations")            //
        ("hugepages", text("auto"), "memory from huge pages: auto (when enough are free) or off")                 //
        ("json", text(""), "write machine and results to this file")                                              //
        ("quick", "one lap per run in a small cluster: tells whether all works, the figures mean nothing")        //
        ("list", "tell the workloads and exit")                                                                   //
        ("help", "tell this and exit");
    return all;
}

[[noreturn]] void refuse(const std::string& option, const std::string& value, const std::string& expected) {
    throw std::invalid_argument("--" + option + " " + value + ": expected " + expected);
}

std::vector<unsigned> numbers(const po::variables_map& given, const char* option, unsigned most) {
    std::vector<unsigned> all;
    const std::string& list = given[option].as<std::string>();
    for (const std::string& item : split(list)) {
        unsigned number = 0;
        const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
        if (error != std::errc() || end != item.data() + item.size() || number == 0 || number > most)
            refuse(option, list, "numbers from 1 to " + std::to_string(most) + ", with commas between them");
        all.push_back(number);
    }
    if (all.empty()) refuse(option, "''", "at least one number");
    return all;
}

std::vector<Family> families(const po::variables_map& given, const char* option) {
    const std::string& which = given[option].as<std::string>();
    if (which == "4") return {Family::v4};
    if (which == "6") return {Family::v6};
    if (which != "both") refuse(option, which, "4, 6 or both");
    return {Family::v4, Family::v6};
}

std::vector<Workload> workloads(const po::variables_map& given) {
    std::vector<Workload> all;
    for (const std::string& item : split(given["workload"].as<std::string>())) {
        const auto count = all.size();
        for (const WorkloadText& text : workload_texts)
            if (item == text.name || item == "all") all.push_back(text.workload);
        if (all.size() == count) refuse("workload", item, "names from --list, or all");
    }
    if (all.empty()) refuse("workload", "''", "names from --list, or all");
    return all;
}

unsigned smallest_size(Family family) {
    return std::max(64U, fcs + (family == Family::v4 ? FrameWriter<Ipv4>::smallest : FrameWriter<Ipv6>::smallest));
}

void check_size(const Options& options) {
    for (const Family family : options.inner)
        if (options.size != 0 && (options.size < smallest_size(family) || options.size > largest_size))
            refuse("size", std::to_string(options.size),
                   "0, or " + std::to_string(smallest_size(family)) + " to " + std::to_string(largest_size) +
                       (family == Family::v4 ? " for IPv4" : " for IPv6"));
}

Options convert(const po::variables_map& given) {
    Options options;
    options.workloads = workloads(given);
    options.flows = numbers(given, "flows", max_flows);
    options.bursts = numbers(given, "burst", Burst::capacity);
    options.inner = families(given, "ip");
    options.outer = families(given, "outer");
    options.runs = given["runs"].as<unsigned>();
    if (options.runs == 0) refuse("runs", "0", "at least 1");
    options.seconds = given["seconds"].as<double>();
    if (!(options.seconds >= 0 && options.seconds <= 3600)) refuse("seconds", "", "0 to 3600");
    options.size = given["size"].as<unsigned>();
    const std::string& cache = given["cache"].as<std::string>();
    if (cache != "hot" && cache != "cold") refuse("cache", cache, "hot or cold");
    options.cache = cache == "hot" ? Cache::hot : Cache::cold;
    const std::string& checksums = given["checksums"].as<std::string>();
    if (checksums != "software" && checksums != "nic") refuse("checksums", checksums, "software or nic");
    options.nic_checksums = checksums == "nic";
    const std::string& hugepages = given["hugepages"].as<std::string>();
    if (hugepages != "auto" && hugepages != "off") refuse("hugepages", hugepages, "auto or off");
    options.hugepages = hugepages == "auto";
    options.seed = given["seed"].as<std::uint64_t>();
    options.json = given["json"].as<std::string>();
    options.quick = given.count("quick") != 0;
    check_size(options);
    return options;
}

}  // namespace

Options parse_options(int argc, const char* const* argv) {
    const po::variables_map given = parse_command_line(all_options(), argc, argv);
    Options options;
    if (given.count("help") != 0)
        options.action = Options::Action::help;
    else if (given.count("list") != 0)
        options.action = Options::Action::list;
    else
        options = convert(given);
    return options;
}

std::string help_text() {
    std::ostringstream text;
    text << "Times the pipeline alone, in this process, without ports: cycles of the time-stamp counter per packet.\n"
            "Every packet that comes out is checked; wrong output is an error (exit status 1).\n\n"
         << all_options()
         << "\nExamples\n"
            "  viaduct-bench --workload service --ip 4 --flows 1 --burst 32\n"
            "  viaduct-bench --workload encap,decap --ip both --outer 6 --cache cold\n"
            "  viaduct-bench --workload all --json results.json\n"
            "  taskset -c 3 viaduct-bench --runs 20 --seconds 1     on CPU 3, else the last one allowed\n";
    return text.str();
}

std::string workload_list() {
    std::string list;
    for (const WorkloadText& text : workload_texts) {
        std::string line(text.name);
        line.resize(16, ' ');
        list += line + std::string(text.meaning) + "\n";
    }
    return list;
}

}  // namespace viaduct
