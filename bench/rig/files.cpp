// What files.h promises.
#include "bench/rig/files.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace viaduct::rig {

void write_file(const std::filesystem::path& file, const std::string& text) {
    std::ofstream out(file);
    out << text << std::flush;
    if (!out) throw std::runtime_error("cannot write " + file.string());
}

void run_ip(const std::filesystem::path& directory, const std::string& commands) {
    if (commands.empty()) return;
    const std::filesystem::path file = directory / "ip.batch";
    write_file(file, commands);
    if (std::system(("ip -batch " + file.string()).c_str()) != 0)
        throw std::runtime_error(
            "`ip -batch` refused the gateway's addresses; it said why above (Debian package iproute2)");
}

Scratch::Scratch() {
    char name[] = "/tmp/viaduct-rig-XXXXXX";
    if (mkdtemp(name) == nullptr)
        throw std::runtime_error(std::string("cannot make a directory in /tmp: ") + std::strerror(errno));
    path_ = name;
}

Scratch::~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace viaduct::rig
