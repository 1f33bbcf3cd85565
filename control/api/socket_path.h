// The API's socket in the file system: who may use it, and what to do about one that is already there.
#pragma once

#include <string>

namespace viaduct {

/// Makes the way free for bind(2): creates the directory, removes the socket of a process that is gone. Throws
/// std::runtime_error with the remedy when the path is too long, in use, or not a socket.
void prepare_socket_path(const std::string& path);

/// Whether somebody answers there.
[[nodiscard]] bool is_served(const std::string& path);

/// Between socket(2) and bind(2): the file never has more than mode 0660, whatever the umask.
void restrict_socket(int socket);
/// After bind(2): mode 0660, and the group is `viaduct`, where there is one.
void share_with_group(const std::string& path);

}  // namespace viaduct
