// etcd's v3 API as its gRPC gateway speaks it: JSON whose keys, values and bytes are base64, and whose 64-bit numbers
// are strings.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct {

struct EtcdKeyValue {
    std::string key, value;
    std::int64_t changed = 0;  // revision of the last write
    std::int64_t lease = 0;    // 0: none, the key stays for ever
};

/// What every answer begins with.
struct EtcdHeader {
    std::string cluster;
    std::int64_t revision = 0;
};

struct EtcdRange {
    EtcdHeader header;
    std::vector<EtcdKeyValue> keys;
};

struct EtcdEvent {
    bool erased = false;
    EtcdKeyValue key;  // of an erased one, the key alone
};

/// One message of a watch.
struct EtcdWatchMessage {
    EtcdHeader header;
    bool created = false;        // the first one
    bool canceled = false;       // the last one
    std::int64_t compacted = 0;  // that revision and those before it are gone; 0: not the reason
    std::string cancel_reason{};
    std::vector<EtcdEvent> events{};
};

/// What became of a write under a condition.
struct EtcdPut {
    bool written = false;  // the condition held
    std::int64_t revision = 0;
};

/// The text is not what etcd sends.
class BadEtcdAnswer : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// All keys that begin with `prefix`.
[[nodiscard]] std::string range_request(std::string_view prefix);
[[nodiscard]] std::string watch_request(std::string_view prefix, std::int64_t from_revision);
[[nodiscard]] std::string grant_request(std::int64_t seconds);
[[nodiscard]] std::string revoke_request(std::int64_t lease);
/// Writes `key` unless it was written after revision `changed`; 0: unless it exists.
[[nodiscard]] std::string put_request(const EtcdKeyValue& key);
/// Erases `key` unless it was written after revision `changed`.
[[nodiscard]] std::string erase_request(const EtcdKeyValue& key);
[[nodiscard]] std::string authenticate_request(const std::string& user, const std::string& password);

/// Throw BadEtcdAnswer.
[[nodiscard]] EtcdRange read_range(const std::string& body);
[[nodiscard]] EtcdWatchMessage read_watch_message(std::string_view line);
/// The new lease.
[[nodiscard]] std::int64_t read_grant(const std::string& body);
[[nodiscard]] EtcdPut read_put(const std::string& body);
[[nodiscard]] std::string read_token(const std::string& body);
/// Why etcd refused, from anything.
[[nodiscard]] std::string read_refusal(const std::string& body);

}  // namespace viaduct
