// An explain request's parameters, read into the question that the pipeline answers, and its answer as JSON.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "control/api/json.h"
#include "tables/gateway_view.h"

namespace viaduct {

/// The request cannot be understood: what, and how to ask instead.
class BadRequest : public std::runtime_error {
public:
    BadRequest(const std::string& what, std::string remedy) : std::runtime_error(what), remedy_(std::move(remedy)) {}
    [[nodiscard]] const std::string& remedy() const noexcept { return remedy_; }

private:
    std::string remedy_;
};

/// A parameter by name; "" when it was not given.
using Parameter = std::function<std::string(const std::string& name)>;

/// `text` as a number up to `largest`, `otherwise` when it is empty. Throws BadRequest naming the parameter.
[[nodiscard]] std::size_t number(const std::string& name, const std::string& text, std::size_t otherwise,
                                 std::size_t largest);

/// Throws BadRequest.
[[nodiscard]] Question read_question(const Parameter& parameter);
[[nodiscard]] Json explanation_json(const Explanation& explanation);

}  // namespace viaduct
