// viaductctl: asks a running gateway.
#include <unistd.h>

#include <iostream>

#include "control/viaductctl/viaductctl.h"

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return viaduct::run_viaductctl(arguments, isatty(STDOUT_FILENO) == 1, std::cout, std::cerr);
}
