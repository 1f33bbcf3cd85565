// The running gateway as viaductctl reaches it: JSON over HTTP on its Unix socket.
#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include "control/api/json.h"

namespace viaduct {

/// Why a command failed and what to do next.
class CommandError : public std::runtime_error {
public:
    CommandError(const std::string& what, std::string remedy) : std::runtime_error(what), remedy_(std::move(remedy)) {}
    [[nodiscard]] const std::string& remedy() const noexcept { return remedy_; }

private:
    std::string remedy_;
};

class Client {
public:
    using Parameters = std::multimap<std::string, std::string>;
    explicit Client(std::string socket_path) : path_(std::move(socket_path)) {}

    /// The answer to GET `path`. Throws CommandError.
    [[nodiscard]] Json get(const std::string& path, const Parameters& parameters = {}) const;
    /// All pages of `/v1/<name>` in one list of that name, up to `limit` items; 0: all there are.
    [[nodiscard]] Json list(const std::string& name, std::size_t limit = 0) const;

private:
    std::string path_;
};

}  // namespace viaduct
