// What a request is answered with, without a word of HTTP libraries.
#pragma once

#include <string>

namespace numeral {

struct Answer {
  int status = 200;  // of HTTP
  std::string type;  // "image/png"
  std::string body;
};

// {"error": sentence}, for the page to show.
Answer Refusal(int status, const std::string& sentence);

}  // namespace numeral
