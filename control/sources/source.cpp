// Opens a source of whatever type.
#include "control/sources/source.h"

#include "control/sources/directory_source.h"
#include "control/sources/kubernetes/kubernetes_source.h"

namespace viaduct {

std::unique_ptr<Source> open_source(const SourceConfig& config, const std::string& network) {
    if (config.type == "kubernetes") return std::make_unique<KubernetesSource>(config, network);
    return std::make_unique<DirectorySource>(config, network);
}

}  // namespace viaduct
