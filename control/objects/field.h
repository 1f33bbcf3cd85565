// A field of an object on its way in: checked access that knows its path, over any tree of maps, lists and scalars.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encap/net_text.h"

namespace viaduct {

inline constexpr std::uint16_t last_port = 65'535;

/// What a parser's document offers. An absent or null value is a tree too.
template <class T>
concept Tree = requires(const T tree, const std::string& key) {
    { tree.member(key) } -> std::same_as<T>;
    { tree.present() } -> std::same_as<bool>;
    { tree.scalar() } -> std::same_as<std::optional<std::string>>;
    { tree.is_list() } -> std::same_as<bool>;
    { tree.is_map() } -> std::same_as<bool>;
    { tree.items() } -> std::same_as<std::vector<T>>;
    { tree.keys() } -> std::same_as<std::vector<std::string>>;
    { tree.line() } -> std::same_as<unsigned>;  // from 1; 0: unknown
};

/// A field that is not what it must be. `what()` names the field and the remedy.
class FieldError : public std::runtime_error {
public:
    FieldError(const std::string& path, const std::string& remedy, unsigned line)
        : std::runtime_error(path + " " + remedy), line_(line) {}
    [[nodiscard]] unsigned line() const noexcept { return line_; }

private:
    unsigned line_;
};

template <Tree T>
class Field {
public:
    explicit Field(T tree, std::string path = "") : tree_(std::move(tree)), path_(std::move(path)) {}

    [[nodiscard]] Field operator[](const std::string& key) const {
        if (tree_.present() && !tree_.is_map()) fail("must be a map");
        Field field(tree_.member(key), path_.empty() ? key : path_ + "." + key);
        if (!field.tree_.present()) field.line_ = line();
        return field;
    }
    [[nodiscard]] const T& tree() const { return tree_; }
    [[nodiscard]] bool present() const { return tree_.present(); }
    [[nodiscard]] unsigned line() const { return tree_.present() ? tree_.line() : line_; }
    [[noreturn]] void fail(const std::string& remedy) const { throw FieldError(path_, remedy, line()); }

    [[nodiscard]] std::vector<Field> items() const {
        std::vector<Field> fields;
        if (!tree_.present()) return fields;
        if (!tree_.is_list()) fail("must be a list");
        for (T& item : tree_.items())
            fields.emplace_back(std::move(item), path_ + "[" + std::to_string(fields.size()) + "]");
        return fields;
    }
    /// A map of texts.
    [[nodiscard]] std::map<std::string, std::string> texts() const {
        std::map<std::string, std::string> texts;
        if (!tree_.present()) return texts;
        if (!tree_.is_map()) fail("must be a map");
        for (const std::string& key : tree_.keys()) texts[key] = (*this)[key].text_or("");
        return texts;
    }
    [[nodiscard]] std::string text() const {
        if (!tree_.present()) fail("is missing: add it");
        const auto scalar = tree_.scalar();
        if (!scalar) fail("must be a single value");
        return *scalar;
    }
    [[nodiscard]] std::string text_or(std::string other) const { return present() ? text() : std::move(other); }
    [[nodiscard]] bool flag_or(bool other) const {
        if (!present()) return other;
        const std::string value = text();
        if (value == "true" || value == "True") return true;
        if (value == "false" || value == "False") return false;
        fail("is '" + value + "': write true or false");
    }
    template <std::unsigned_integral N>
    [[nodiscard]] N number(N least, N most) const {
        const std::string value = text();
        N n = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
        if (error != std::errc{} || end != value.data() + value.size() || n < least || n > most)
            fail("is '" + value + "': write a number from " + std::to_string(least) + " to " + std::to_string(most));
        return n;
    }
    template <std::unsigned_integral N>
    [[nodiscard]] N number_or(N other, N least, N most) const {
        return present() ? number<N>(least, most) : other;
    }
    [[nodiscard]] IpAddress address() const {
        const auto address = parse_ip(text());
        if (!address) fail("is '" + text() + "': write " + wanted_ip);
        return *address;
    }
    [[nodiscard]] IpPrefix prefix() const {
        const auto prefix = parse_prefix(text());
        if (!prefix) fail("is '" + text() + "': write a prefix as in 10.244.0.0/16");
        return *prefix;
    }
    template <class V>
    [[nodiscard]] V choice(V other, std::initializer_list<std::pair<std::string_view, V>> choices) const {
        if (!present()) return other;
        const std::string value = text();
        std::string words;
        for (const auto& [word, meaning] : choices) {
            if (value == word) return meaning;
            words += (words.empty() ? "" : ", ") + std::string(word);
        }
        fail("is '" + value + "': write one of " + words);
    }

private:
    T tree_;
    std::string path_;
    unsigned line_ = 0;  // of the nearest parent that is present
};

}  // namespace viaduct
