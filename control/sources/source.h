// Where Kubernetes objects come from: one interface for every kind of source.
#pragma once

#include <memory>
#include <vector>

#include "control/config.h"
#include "control/objects/objects.h"
#include "control/status.h"
#include "control/writers/api_writer.h"

namespace viaduct {

/// Control thread only.
class Source {
public:
    virtual ~Source() = default;
    /// The last good picture. Never shrinks because the source is broken or away.
    [[nodiscard]] virtual const Objects& objects() const = 0;
    [[nodiscard]] virtual SourceStatus status() const = 0;
    /// Readable when `process` has something to do. For epoll.
    [[nodiscard]] virtual int fd() const = 0;
    /// Takes what happened; true when objects or status changed. Never blocks. Called now and then even when `fd` is
    /// silent, for sources that must retry.
    virtual bool process() = 0;
    /// How to write to the cluster that the objects are of; nullptr: it cannot be written to. As long-lived as this.
    [[nodiscard]] virtual ApiWriter* writer() { return nullptr; }
    /// Objects that cannot be read, as findings about them. Their last good selves are among the objects.
    [[nodiscard]] virtual std::vector<Finding> malformed() const { return {}; }
};

/// Throws std::runtime_error naming the remedy.
[[nodiscard]] std::unique_ptr<Source> open_source(const SourceConfig& config, const NetworkConfig& network);

}  // namespace viaduct
