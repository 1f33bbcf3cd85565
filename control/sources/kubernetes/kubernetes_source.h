// The Kubernetes API as a source: one reflector for each collection, all on one connection.
#pragma once

#include <set>

#include "control/sources/kubernetes/api_client.h"
#include "control/sources/kubernetes/api_sender.h"
#include "control/sources/kubernetes/reflector.h"
#include "control/sources/source.h"

namespace viaduct {

/// Throws std::runtime_error naming the source, the file and the remedy.
[[nodiscard]] ApiAccess api_access(const SourceConfig& config);

class KubernetesSource : public Source, private ObjectSink {
public:
    /// Only opens what it needs; the server may be away. Throws std::runtime_error when the configuration does not say
    /// where it is.
    KubernetesSource(const SourceConfig& config, const NetworkConfig& network);

    /// Empty until every required collection has been read: of half a cluster, Services would seem to have no
    /// endpoints.
    [[nodiscard]] const Objects& objects() const override { return objects_; }
    [[nodiscard]] SourceStatus status() const override;
    [[nodiscard]] int fd() const override { return http_.fd(); }
    bool process() override;
    [[nodiscard]] ApiWriter* writer() override { return &sender_; }
    [[nodiscard]] std::vector<Finding> malformed() const override;

private:
    void put(const Object& object) override { changed_ |= (synced_ ? objects_ : incoming_).put(object); }
    void erase(const ObjectKey& key) override { changed_ |= (synced_ ? objects_ : incoming_).erase(key); }
    void tick();
    void take_unread();
    [[nodiscard]] std::vector<std::string> errors() const;

    const std::string name_, network_;
    const Timing timing_;
    Objects objects_, incoming_;
    bool synced_ = false, changed_ = false;
    std::vector<std::string> known_errors_;
    std::chrono::system_clock::time_point last_change_{};
    Http http_;
    ApiClient client_;
    ApiSender sender_;
    std::vector<std::unique_ptr<Reflector>> reflectors_;
};

}  // namespace viaduct
