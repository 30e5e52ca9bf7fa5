// Where a value stands, and the errors that say so.
//
// Internal to config/. Every message has the form `source: pointer: what is wrong`, on one line
// whatever the file contains: text from the file is quoted, escaped and cut to a bearable length.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "config/parse.h"
#include "util/error.h"

namespace numeral::config_detail {

struct Location {
  std::string source;   // file name
  std::string pointer;  // RFC 6901; empty for the whole document

  Location operator/(std::string_view key) const;
  Location operator/(std::size_t index) const;
};

// "configs/x.json: /training/epochs", safe to print.
std::string ToString(const Location& at);

// Throws Error(kBadInput).
template <typename... Args>
[[noreturn]] void BadValue(const Location& at, fmt::format_string<Args...> format, Args&&... args) {
  BadInput("{}: {}", ToString(at), fmt::format(format, std::forward<Args>(args)...));
}

// As a JSON string of printable characters, long text cut.
std::string Quote(std::string_view text);

// What was found instead of what was expected: `the string "abc"`, `2.5`, `a list of 3`.
std::string Describe(const Json& json);

}  // namespace numeral::config_detail
