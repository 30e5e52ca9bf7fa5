#include "util/number_list.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "util/error.h"

namespace numeral {
namespace {

// Digits alone, up to `largest`; -1 for anything else.
int64_t Number(std::string_view text, int64_t largest) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const bool good = error == std::errc() && rest == end && text[0] != '-' && number <= largest;
  return good ? number : -1;
}

}  // namespace

std::vector<int64_t> ParseNumberList(const std::string& option, const std::string& text,
                                     int64_t largest, size_t most) {
  constexpr std::string_view kTo = "..";
  std::vector<int64_t> numbers;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = std::string_view(text).substr(begin, end - begin);
    const size_t to = part.find(kTo);
    const int64_t first = Number(part.substr(0, to), largest);
    const int64_t last =
        to == std::string_view::npos ? first : Number(part.substr(to + kTo.size()), largest);
    if (first < 0 || last < 0) {
      BadInput("{} {}: give numbers from 0 to {}, such as 0..3 or 1,2,5", option, text, largest);
    }
    if (last < first) BadInput("{} {}: {} runs backwards", option, text, part);
    if (static_cast<uint64_t>(last - first) >= most - numbers.size()) {
      BadInput("{} {}: more than {} numbers", option, text, most);
    }
    for (int64_t i = 0; i <= last - first; ++i) {
      const int64_t number = first + i;
      if (std::find(numbers.begin(), numbers.end(), number) != numbers.end()) {
        BadInput("{} {}: {} comes twice", option, text, number);
      }
      numbers.push_back(number);
    }
    begin = end + 1;
  }
  return numbers;
}

}  // namespace numeral
