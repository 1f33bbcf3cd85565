// The API's socket in the file system: who may use it, and what to do about one that is already there.
#pragma once

#include <string>

namespace viaduct {

/// Makes the way free for bind(2): creates the directory, removes the socket of a process that is gone. Throws
/// std::runtime_error with the remedy when the path is too long, in use, or not a socket.
void prepare_socket_path(const std::string& path);

/// Between socket(2) and bind(2): the file gets mode 0660 from its first moment on.
void restrict_socket(int socket);
/// After bind(2): lets the group `viaduct` in, where there is one.
void share_with_group(const std::string& path);

}  // namespace viaduct
