#include "util/shell.h"

#include <string_view>

namespace numeral {
namespace {

constexpr const char* kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=/.,:@%";

}  // namespace

std::string ShellQuoted(const std::string& word) {
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string(R"('\'')") : std::string(1, c);
  return quoted + "'";
}

std::string ShellQuoted(const char* const* argv) {
  std::string line;
  for (; *argv != nullptr; ++argv)
    line += (line.empty() ? "" : " ") + ShellQuoted(std::string(*argv));
  return line;
}

}  // namespace numeral
