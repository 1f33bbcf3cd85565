// Opens a source of whatever type.
#include "control/sources/source.h"

#include "control/sources/directory_source.h"
#include "control/sources/flannel_etcd/flannel_etcd_source.h"
#include "control/sources/kubernetes/kubernetes_source.h"

namespace viaduct {

std::unique_ptr<Source> open_source(const SourceConfig& config, const NetworkConfig& network) {
    if (config.type == "kubernetes") return std::make_unique<KubernetesSource>(config, network);
    if (config.type == "flannel-etcd") return std::make_unique<FlannelEtcdSource>(config, network);
    return std::make_unique<DirectorySource>(config, network.name);
}

}  // namespace viaduct
