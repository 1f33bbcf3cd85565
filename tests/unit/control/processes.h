// Programs that tests run beside themselves.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

namespace viaduct {

/// On loopback, and nobody's at this moment.
inline std::string free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    close(fd);
    return std::to_string(ntohs(address.sin_port));
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
