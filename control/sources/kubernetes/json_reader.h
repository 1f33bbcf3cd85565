// What an API server sends, read: list chunks, watch events, and the Status that says why not.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "control/objects/objects.h"

namespace viaduct {

/// An object of a list or an event.
struct ReadItem {
    ObjectKey key;
    std::string version;             // metadata.resourceVersion
    std::optional<Object> object{};  // nothing: it holds nothing for us, or is malformed
    std::string error{};             // why it is malformed: "Service shop/web: spec.ports[0].port is missing: add it"
};

struct ListChunk {
    std::string version;       // the list's resourceVersion
    std::string continuation;  // empty: it is the last chunk
    std::vector<ReadItem> items;
};

/// metav1.Status, as far as it says anything.
struct ApiStatus {
    int code = 0;
    std::string message;
};

struct WatchEvent {
    enum class Type : std::uint8_t { put, erase, bookmark, error };
    Type type{};
    ReadItem item{};
    bool initial_events_end = false;  // of a bookmark
    ApiStatus status{};               // of an error
};

/// The text is no JSON, or not what was asked for.
class BadAnswer : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class JsonReader {
public:
    JsonReader();
    ~JsonReader();

    /// Throws BadAnswer, as a whole: a list that is cut off has no items at all.
    [[nodiscard]] ListChunk read_list(ObjectKind kind, const std::string& body);
    [[nodiscard]] WatchEvent read_event(ObjectKind kind, std::string_view line);
    /// From anything, plain text too.
    [[nodiscard]] ApiStatus read_status(int http_status, const std::string& body);
    /// Gives back the memory that a big list needed.
    void shrink();

private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace viaduct
