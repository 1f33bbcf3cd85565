// DPDK's environment for this process: started once, cleaned up when everything that lives in it is gone.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace viaduct {

struct EalOptions {
    bool hugepages = false;
    unsigned memory_mib = 256;               // without hugepages: all the memory there will be
    std::vector<std::string> pci_devices{};  // empty: the PCI bus is left alone
    unsigned control_cpu = 0;                // where EAL's own threads live; must be one of this process's
};

/// The command line that EAL gets. Hugepages are anonymous (`--in-memory`), which EAL refuses to combine with
/// `--no-huge`.
[[nodiscard]] std::vector<std::string> eal_arguments(const EalOptions& options);

/// The CPUs that this process may use (its cpuset, not the machine's).
[[nodiscard]] std::vector<unsigned> allowed_cpus();

/// EAL can be started once in a process's life. Its log lines, and libbpf's, go to spdlog.
class Eal {
public:
    /// Throws std::runtime_error. The calling thread is the control thread; its CPU affinity is left as it was.
    explicit Eal(const EalOptions& options);
    ~Eal();
    Eal(const Eal&) = delete;
    Eal& operator=(const Eal&) = delete;

private:
    std::FILE* log_stream_;
};

/// The calling thread as DPDK knows it from here on: with an id of its own, and so with a cache of packet buffers.
class RegisteredThread {
public:
    /// Throws std::runtime_error.
    RegisteredThread();
    ~RegisteredThread();
    RegisteredThread(const RegisteredThread&) = delete;
    RegisteredThread& operator=(const RegisteredThread&) = delete;
};

}  // namespace viaduct
