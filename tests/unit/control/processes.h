// Programs that tests run beside themselves.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace viaduct {

/// A socket is bound to the address. -1: it is taken.
template <class SocketAddress>
int bound_socket(int family, const SocketAddress& address) {
    const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/// On loopback, and this process's own as long as it lives: a server may be stopped and started again. It is none of
/// those that the kernel gives to whoever asks for any (from 32768), and a name is held for it among our tests.
inline std::string free_port() {
    for (std::uint16_t port = 12'000; port < 28'000; ++port) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        const std::string held = "viaduct-test-port-" + std::to_string(port);
        held.copy(&name.sun_path[1], sizeof name.sun_path - 2);  // after the zero: of the abstract names
        const int holder = bound_socket(AF_UNIX, name);
        if (holder < 0) continue;
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        if (const int fd = bound_socket(AF_INET, address); fd >= 0) {
            close(fd);
            return std::to_string(port);
        }
        close(holder);
    }
    return "";
}

struct FinishedCommand {
    int status = -1;  // 0: it succeeded
    std::string output;
};

inline FinishedCommand run_command(const std::string& command) {
    FinishedCommand finished;
    std::FILE* const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return finished;
    std::array<char, 4096> part{};
    while (std::fgets(part.data(), part.size(), pipe) != nullptr) finished.output += part.data();
    finished.status = pclose(pipe);
    return finished;
}

/// What a command prints, errors too, without the last line's end.
inline std::string output_of(const std::string& command) {
    std::string text = run_command(command + " 2>&1").output;
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

}  // namespace viaduct
