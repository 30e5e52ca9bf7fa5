// JSON text to a value, stricter than the library underneath.
//
// Refuses, with line and column: syntax errors, numbers beyond double, text that is no UTF-8; with
// the JSON pointer: a key given twice in one object (which the library would settle silently) and
// nesting deeper than any file of this project. Called by config/ and by readers of JSON metadata.
#pragma once

#include <string>
#include <string_view>

#include "config/parse.h"

namespace numeral {

// `source` opens every message. Throws Error(kBadInput).
Json ParseJsonText(std::string_view text, const std::string& source);

}  // namespace numeral
