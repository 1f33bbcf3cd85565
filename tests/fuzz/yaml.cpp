// Whatever people write: manifests, kubeconfigs, and what credential plugins print.
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "control/objects/read_objects.h"
#include "control/sources/kubernetes/exec_plugin.h"
#include "control/sources/kubernetes/kubeconfig.h"
#include "outcome.h"

namespace viaduct {
namespace {

/// A kubeconfig is read from a file; this one is in memory.
void read_as_kubeconfig(const std::string& text) {
    const int file = memfd_create("kubeconfig", MFD_CLOEXEC);
    if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
    may_throw<std::runtime_error>([&] { (void)read_kubeconfig("/proc/self/fd/" + std::to_string(file), ""); });
    close(file);
}

}  // namespace
}  // namespace viaduct

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text = viaduct::text_of(data, size);
    viaduct::may_throw<std::runtime_error>([&] { (void)viaduct::read_objects(text, "fuzz.yaml"); });
    viaduct::may_throw<std::runtime_error>([&] { (void)viaduct::read_exec_credential(text); });
    viaduct::read_as_kubeconfig(text);
    return 0;
}
