// Unix socket files: stale ones are replaced, live ones are respected.
#include "control/api/socket_path.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <vector>

namespace viaduct {
namespace {

constexpr mode_t owner_and_group = 0660;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
    throw std::runtime_error("cannot listen on " + path + ": " + what);
}

/// connect(2)'s errno, 0 when somebody answers.
int try_to_connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return errno;
    const auto* generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
    const int error = connect(probe, generic, sizeof address) == 0 ? 0 : errno;
    close(probe);
    return error;
}

/// EAGAIN: somebody listens, but the queue is full.
bool means_served(int answer) { return answer == 0 || answer == EAGAIN; }

}  // namespace

bool is_served(const std::string& path) {
    return path.size() < sizeof(sockaddr_un::sun_path) && means_served(try_to_connect(path));
}

void prepare_socket_path(const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) fail(path, "the path is too long; choose another `socket`");
    std::error_code error;
    const auto directory = std::filesystem::path(path).parent_path();
    if (!directory.empty()) std::filesystem::create_directories(directory, error);
    if (error) fail(path, error.message() + "; create " + directory.string() + " or choose another `socket`");

    const auto kind = std::filesystem::symlink_status(path, error).type();
    if (kind == std::filesystem::file_type::not_found) return;
    if (kind != std::filesystem::file_type::socket) fail(path, "this is not a socket; choose another `socket`");
    const int answer = try_to_connect(path);
    if (means_served(answer)) fail(path, "another gateway uses it; stop that one or choose another `socket`");
    if (answer != ECONNREFUSED)
        fail(path, std::string(std::strerror(answer)) + "; remove it or choose another `socket`");
    if (!std::filesystem::remove(path, error)) fail(path, error.message() + "; remove it");
}

void restrict_socket(int socket) { fchmod(socket, owner_and_group); }

void share_with_group(const std::string& path) {
    chmod(path.c_str(), owner_and_group);  // bind(2) took away what the umask forbids
    std::vector<char> buffer(16'384);
    group entry{};
    group* found = nullptr;
    if (getgrnam_r("viaduct", &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return;
    // Without the right to do so, the socket stays the owner's group's: still a safe state.
    [[maybe_unused]] const int ignored = chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid);
}

}  // namespace viaduct
