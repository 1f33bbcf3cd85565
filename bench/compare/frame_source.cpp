// frame-source INTERFACE FILE: sends the frames of a pcap file from a veth, again and again, as fast as one CPU can.
//
// Theory of operation. Linux can run an XDP program on frames of its own making and send what comes of them
// (BPF_F_TEST_XDP_LIVE_FRAMES), with no socket, socket buffer or system call for each: several times what a packet
// socket sends. So the router behind the veth is the limit of what arrives, and not its source. The other end of the
// veth needs NAPI: an XDP program, or GRO.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/compare/frame_source.h"
#include "frame_source_object.h"

namespace {

constexpr std::size_t pcap_header = 24;
constexpr unsigned frames_per_call = 1U << 20U;
constexpr unsigned burst = 61;  // a prime: what a full ring drops must not always be the same frames of a row

[[nodiscard]] std::runtime_error failure(const std::string& what) {
    return std::runtime_error(what + ": " + std::strerror(errno));
}

/// One length for all: the kernel makes the frames, of a length that it is told once.
std::vector<frame> read_frames(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    file.ignore(pcap_header);
    std::vector<frame> frames;
    for (std::array<std::uint32_t, 4> record{}; file.read(reinterpret_cast<char*>(record.data()), sizeof record);) {
        frame one{};
        one.length = record[2];
        if (one.length >= sizeof one.bytes || (!frames.empty() && one.length != frames.front().length))
            throw std::runtime_error(path + ": frames must be of one length, less than " +
                                     std::to_string(sizeof one.bytes) + " bytes");
        if (file.read(reinterpret_cast<char*>(one.bytes), one.length)) frames.push_back(one);
    }
    if (frames.empty()) throw std::runtime_error(path + ": cannot be read, or has no frames");
    return frames;
}

int load(const std::vector<frame>& frames) {
    bpf_object* const object = bpf_object__open_mem(frame_source_object, sizeof frame_source_object, nullptr);
    bpf_map* const map = bpf_object__find_map_by_name(object, "frames");
    if (map == nullptr || bpf_map__set_max_entries(map, static_cast<std::uint32_t>(frames.size())) != 0 ||
        bpf_object__load(object) != 0)
        throw failure("the kernel refuses the XDP program (CAP_BPF, CAP_NET_ADMIN; Linux 5.18)");
    for (std::uint32_t number = 0; number < frames.size(); ++number)
        if (bpf_map_update_elem(bpf_map__fd(map), &number, &frames[number], BPF_ANY) != 0)
            throw failure("cannot store a frame");
    return bpf_program__fd(bpf_object__find_program_by_name(object, "send_next"));
}

/// Until it is killed. A signal ends a call, so that SIGSTOP pauses it.
[[noreturn]] void send(int program, const std::string& interface, frame first) {
    xdp_md context{};
    context.data_end = first.length;
    context.ingress_ifindex = if_nametoindex(interface.c_str());
    if (context.ingress_ifindex == 0) throw failure("no interface " + interface);
    bpf_test_run_opts run{};
    run.sz = sizeof run;
    run.data_in = first.bytes;
    run.data_size_in = first.length;
    run.ctx_in = &context;
    run.ctx_size_in = sizeof context;
    run.repeat = frames_per_call;
    run.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    run.batch_size = burst;
    while (bpf_prog_test_run_opts(program, &run) == 0 || errno == EINTR) {
    }
    throw failure("cannot send from " + interface);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 3) throw std::runtime_error("expected INTERFACE FILE");
    const std::vector<frame> frames = read_frames(argv[2]);
    send(load(frames), argv[1], frames.front());
} catch (const std::exception& error) {
    std::fprintf(stderr, "frame-source: %s\n", error.what());
    return 1;
}
