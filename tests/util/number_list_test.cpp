#include "util/number_list.h"

#include "tests/catch.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

using Numbers = std::vector<int64_t>;

Numbers Parse(const std::string& text) { return ParseNumberList("--list", text, 1000, 8); }

}  // namespace

TEST_CASE("lists of numbers") {
  CHECK(Parse("0") == Numbers{0});
  CHECK(Parse("1000") == Numbers{1000});
  CHECK(Parse("0..7") == Numbers{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(Parse("5..5") == Numbers{5});
  CHECK(Parse("9,2,5") == Numbers{9, 2, 5});
  CHECK(Parse("7,1..3,0") == Numbers{7, 1, 2, 3, 0});
  constexpr int64_t kLargest = INT64_MAX;
  CHECK(ParseNumberList("--list", "9223372036854775806..9223372036854775807", kLargest, 2) ==
        Numbers{kLargest - 1, kLargest});
}

TEST_CASE("what is no list of numbers is refused in one line") {
  for (const std::string text : {"",        " ",
                                 ",",       "1,",
                                 ",1",      "1,,2",
                                 "a",       "1a",
                                 "-1",      "+1",
                                 "1.5",     "1...3",
                                 "..",      "1..",
                                 "..3",     "1..2..3",
                                 "0x1",     "1 2",
                                 "1, 2",    "1001",
                                 "0..1001", "99999999999999999999",
                                 "1-3",     "\n"}) {
    INFO("\"" << text << "\"");
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { Parse(text); }),
                  {"--list", "0 to 1000", "0..3"});
  }
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { Parse("4..2"); }), {"4..2", "backwards"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { Parse("1,2,1"); }), {"1 comes twice"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { Parse("1..3,2"); }), {"2 comes twice"});
  for (const std::string text : {"0..8", "0..999", "0..6,7,8", "0..7,9"}) {
    INFO(text);
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { Parse(text); }), {"more than 8"});
  }
}

}  // namespace numeral
