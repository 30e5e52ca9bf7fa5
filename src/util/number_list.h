// Lists of whole numbers as people type them: "0..15", "1,2,5", "0..3,8".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace numeral {

// In the order typed. Throws Error(kBadInput), naming `option`, for what is no such list, numbers
// above `largest`, ranges that run backwards, numbers that come twice, and more than `most` of
// them.
std::vector<int64_t> ParseNumberList(const std::string& option, const std::string& text,
                                     int64_t largest, size_t most);

}  // namespace numeral
