// A watch's stream into lines: each is one event.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace viaduct {

class LineSplitter {
public:
    void add(std::string_view data) {
        buffer_.erase(0, read_);
        read_ = 0;
        buffer_ += data;
    }
    /// The next complete line, valid until the next `add`; empty lines are passed over.
    [[nodiscard]] std::optional<std::string_view> next() {
        while (true) {
            const std::size_t end = buffer_.find('\n', read_);
            if (end == std::string::npos) return {};
            const std::string_view line = std::string_view(buffer_).substr(read_, end - read_);
            read_ = end + 1;
            if (!line.empty()) return line;
        }
    }
    /// Bytes of a line that is not complete yet.
    [[nodiscard]] std::size_t pending() const { return buffer_.size() - read_; }
    void clear() { *this = {}; }

private:
    std::string buffer_;
    std::size_t read_ = 0;
};

}  // namespace viaduct
