// Text and bytes of files as parts of a page, where they can do no harm.
//
// Whatever comes from a file or a command line goes through one of these. Bytes that are no UTF-8
// become U+FFFD. Called by the pages.
#pragma once

#include <string>
#include <string_view>

#include "config/parse.h"

namespace numeral {

// As text between tags, or as an attribute's value in double quotes.
std::string Escaped(std::string_view text);
// As the content of <script type="application/json">: no character of it can end the element.
std::string ScriptJson(const Json& json);

std::string Base64(std::string_view bytes);
// "data:image/png;base64,..."
std::string DataUri(std::string_view type, std::string_view bytes);

// <tag class="...">content</tag>; `content` is HTML already.
std::string Element(std::string_view tag, std::string_view css_class, std::string_view content);

}  // namespace numeral
