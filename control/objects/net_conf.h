// flannel's net-conf.json: the same text in a ConfigMap and in etcd.
#pragma once

#include <string>

#include "control/objects/objects.h"

namespace viaduct {

/// Throws std::invalid_argument saying what is wrong with the text.
[[nodiscard]] FlannelConfig read_net_conf(const ObjectKey& key, const std::string& text);

}  // namespace viaduct
