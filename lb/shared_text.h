// Text that never changes, and that copies share instead of copying it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace viaduct {

class SharedText {
public:
    SharedText() = default;
    SharedText(std::string text)  // NOLINT: it is a string to whoever writes one
        : text_(std::make_shared<const std::string>(std::move(text))) {}

    [[nodiscard]] std::string_view view() const noexcept { return text_ == nullptr ? std::string_view() : *text_; }
    bool operator==(const SharedText& other) const noexcept { return view() == other.view(); }
    bool operator==(std::string_view other) const noexcept { return view() == other; }

private:
    std::shared_ptr<const std::string> text_;  // nullptr: empty
};

}  // namespace viaduct
