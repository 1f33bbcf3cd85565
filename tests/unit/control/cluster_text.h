// A cluster as YAML, and what was found out about it as text.
#pragma once

#include <gtest/gtest.h>

#include "control/objects/read_objects.h"
#include "control/status.h"

namespace viaduct {

/// The objects of a text that has no mistakes.
inline std::vector<Object> objects_in(const std::string& yaml) {
    ReadObjects read = read_objects(yaml, "test.yaml");
    for (const ObjectError& error : read.errors) ADD_FAILURE() << error.text;
    return std::move(read.objects);
}

/// A line each.
inline std::string text_of(const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& one : findings) text += one.subject + ": " + one.text + "\n";
    return text;
}

}  // namespace viaduct
