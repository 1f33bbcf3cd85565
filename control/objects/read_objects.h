// A file's text to objects: any number of documents, lists, and kinds that the gateway does not read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/objects/objects.h"

namespace viaduct {

/// An object that could not be read; the others of its file could.
struct ObjectError {
    std::optional<ObjectKey> key;  // nothing: not even a name was found
    std::string text;              // "web.yaml:12: Service shop/web: spec.ports[0].port is missing: add it"
};

struct ReadObjects {
    std::vector<Object> objects;
    std::vector<ObjectError> errors;
};

/// `file` is for messages only. Throws std::runtime_error with file and line when the text is no YAML at all.
[[nodiscard]] ReadObjects read_objects(const std::string& text, const std::string& file);

}  // namespace viaduct
