// Starts and ends DPDK's environment, and turns its log lines into ours.
#include "dataplane/eal.h"

#include <bpf/libbpf.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>
#include <spdlog/spdlog.h>

#include <cstdarg>
#include <stdexcept>
#include <string_view>

namespace viaduct {
namespace {

spdlog::level::level_enum level_of(int rte_level) {
    if (rte_level <= static_cast<int>(RTE_LOG_ERR)) return spdlog::level::err;
    if (rte_level == static_cast<int>(RTE_LOG_WARNING)) return spdlog::level::warn;
    // What drivers call notice or info is for their developers.
    return spdlog::level::debug;
}

ssize_t write_log(void*, const char* text, std::size_t size) {
    std::string_view line(text, size);
    while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
    if (!line.empty()) spdlog::log(level_of(rte_log_cur_msg_loglevel()), "dpdk: {}", line);
    return static_cast<ssize_t>(size);
}

int write_libbpf_log(libbpf_print_level level, const char* format, va_list arguments) {
    char line[512];
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    std::string_view text(line);
    while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
    // libbpf warns about probes that are meant to fail; what matters comes back as an error code.
    spdlog::log(level == LIBBPF_WARN ? spdlog::level::debug : spdlog::level::trace, "libbpf: {}", text);
    return length;
}

std::FILE* open_log() {
    cookie_io_functions_t functions{};
    functions.write = write_log;
    std::FILE* stream = fopencookie(nullptr, "w", functions);
    if (stream == nullptr) throw std::runtime_error("out of memory for EAL's log");
    std::setvbuf(stream, nullptr, _IOLBF, 1024);
    rte_openlog_stream(stream);
    libbpf_set_print(write_libbpf_log);
    return stream;
}

/// rte_eal_init pins its caller; what the caller was allowed before is put back.
class KeepAffinity {
public:
    KeepAffinity() { sched_getaffinity(0, sizeof set_, &set_); }
    ~KeepAffinity() { sched_setaffinity(0, sizeof set_, &set_); }
    KeepAffinity(const KeepAffinity&) = delete;
    KeepAffinity& operator=(const KeepAffinity&) = delete;

private:
    cpu_set_t set_{};
};

}  // namespace

std::vector<unsigned> allowed_cpus() {
    cpu_set_t set{};
    std::vector<unsigned> cpus;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus;
}

std::vector<std::string> eal_arguments(const EalOptions& options) {
    std::vector<std::string> arguments{"viaduct", "--no-telemetry", "--iova-mode=va"};
    // net_tap calls it an error when there is no traffic control, which it can do without; what stops it comes back as
    // an error code.
    arguments.emplace_back("--log-level=pmd.net.tap:critical");
    // An lcore id is at most 127, a CPU's number is not: so lcore 0, on that CPU.
    arguments.push_back("--lcores=0@" + std::to_string(options.control_cpu));
    if (options.hugepages) {
        arguments.emplace_back("--in-memory");
    } else {
        arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m", std::to_string(options.memory_mib)});
    }
    if (options.pci_devices.empty()) arguments.emplace_back("--no-pci");
    for (const std::string& device : options.pci_devices) arguments.insert(arguments.end(), {"-a", device});
    return arguments;
}

Eal::Eal(const EalOptions& options) : log_stream_(open_log()) {
    std::vector<std::string> arguments = eal_arguments(options);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    const KeepAffinity keep;
    if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
        const int error = rte_errno;
        rte_openlog_stream(nullptr);
        std::fclose(log_stream_);
        throw std::runtime_error(std::string("DPDK does not start: ") + rte_strerror(error) +
                                 "; log-level = debug shows why");
    }
}

Eal::~Eal() {
    rte_eal_cleanup();
    rte_openlog_stream(nullptr);
    std::fclose(log_stream_);
}

RegisteredThread::RegisteredThread() {
    if (rte_thread_register() != 0) throw std::runtime_error("DPDK accepts no further worker thread");
}
RegisteredThread::~RegisteredThread() { rte_thread_unregister(); }

}  // namespace viaduct
