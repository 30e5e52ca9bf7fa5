#include "config/location.h"

namespace numeral::config_detail {
namespace {

constexpr std::size_t kLongestQuote = 60;
constexpr std::size_t kLongestPointer = 300;

std::string EscapeToken(std::string_view key) {
  std::string escaped;
  for (const char c : key) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// A JSON string literal; bytes that are no UTF-8 become U+FFFD.
std::string Literal(std::string_view text) {
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Location Location::operator/(std::string_view key) const {
  return {source, pointer + "/" + EscapeToken(key)};
}

Location Location::operator/(std::size_t index) const {
  return {source, fmt::format("{}/{}", pointer, index)};
}

std::string ToString(const Location& at) {
  if (at.pointer.empty()) return at.source;
  std::string pointer = Literal(at.pointer.substr(0, kLongestPointer));
  pointer = pointer.substr(1, pointer.size() - 2);
  return fmt::format("{}: {}{}", at.source, pointer,
                     at.pointer.size() > kLongestPointer ? "..." : "");
}

std::string Quote(std::string_view text) {
  if (text.size() <= kLongestQuote) return Literal(text);
  // A cut within a character would print as U+FFFD: step back to where it starts.
  std::size_t cut = kLongestQuote;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return Literal(text.substr(0, cut)) + "...";
}

std::string Describe(const Json& json) {
  if (json.is_string()) return "the string " + Quote(json.get_ref<const std::string&>());
  if (json.is_array()) return fmt::format("a list of {}", json.size());
  if (json.is_object()) return "an object";
  return json.dump();
}

}  // namespace numeral::config_detail
