// viaductctl's command line: what was asked for, and help for it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/viaductctl/client.h"
#include "control/viaductctl/show.h"

namespace viaduct {

/// The command line makes no sense; what() says why.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct CommandLine {
    std::string command;  // "show", "top", "explain", "wait"; "": none
    std::string subject;  // of show
    bool help = false, version = false;
    std::string socket = "/run/viaduct/viaduct.sock";
    ShowOptions show;             // json is every command's
    Client::Parameters question;  // explain's
    std::size_t count = 0;        // top
    double interval = 1;          // top, seconds
    double timeout = 60;          // wait, seconds
};

/// `arguments` without the program's name. Throws UsageError.
[[nodiscard]] CommandLine read_command_line(const std::vector<std::string>& arguments);

/// Of one command with examples, or of all in short.
[[nodiscard]] std::string help_of(const std::string& command);

}  // namespace viaduct
