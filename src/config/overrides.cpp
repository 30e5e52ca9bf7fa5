#include "config/overrides.h"

#include <charconv>

#include "config/json_text.h"
#include "config/location.h"

namespace numeral {
namespace config_detail {
namespace {

// The keys of an RFC 6901 pointer.
std::vector<std::string> Tokens(std::string_view pointer, const std::string& source) {
  if (!pointer.starts_with('/')) {
    BadInput("{}: expected a JSON pointer such as /training/epochs", source);
  }
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] != '~') {
      tokens.back() += pointer[i];
    } else {
      const char code = i + 1 < pointer.size() ? pointer[++i] : '\0';
      if (code != '0' && code != '1') {
        BadInput("{}: '~' must be written ~0, and '/' within a key ~1", source);
      }
      tokens.back() += code == '0' ? '~' : '/';
    }
  }
  return tokens;
}

Json& Element(Json& list, const std::string& token, const std::string& source) {
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data(), end, index);
  const bool canonical = token == "0" || !token.starts_with('0');
  if (error != std::errc() || stop != end || !canonical || index >= list.size()) {
    BadInput("{}: the list has {} elements, {} is none of them", source, list.size(), Quote(token));
  }
  return list[index];
}

// A shell passes any bytes; writing the config back could not.
Json StringValue(const std::string& text, const std::string& source) {
  Json value = text;
  try {
    value.dump();
  } catch (const Json::type_error&) {
    BadInput("{}: the value is no UTF-8 text", source);
  }
  return value;
}

}  // namespace

void Apply(const Override& change, Json& json) {
  const std::string source = ToString({"--set", change.pointer});
  Json* node = &json;
  for (const std::string& token : Tokens(change.pointer, source)) {
    if (node->is_array()) {
      node = &Element(*node, token, source);
    } else if (node->is_object() || node->is_null()) {
      node = &(*node)[token];
    } else {
      BadInput("{}: nothing lies below {}", source, Describe(*node));
    }
  }
  *node = Json::accept(change.json) ? ParseJsonText(change.json, source)
                                    : StringValue(change.json, source);
}

}  // namespace config_detail

Override ParseOverride(std::string_view text) {
  const auto equals = text.find('=');
  const std::string source = "--set " + config_detail::Quote(text);
  if (equals == std::string_view::npos) {
    BadInput("{}: expected POINTER=VALUE, such as /training/epochs=3", source);
  }
  Override change{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
  config_detail::Tokens(change.pointer, source);
  return change;
}

}  // namespace numeral
