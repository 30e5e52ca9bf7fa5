#include "config/json_text.h"

#include "tests/config/config_json.h"

namespace numeral {
namespace {

std::string TextRefusal(const std::string& text) {
  return MessageOf(ErrorKind::kBadInput, [&] { ParseJsonText(text, "f.json"); });
}

TEST_CASE("JSON text becomes the value it says, keys in order") {
  const Json json = ParseJsonText(
      R"({"b": [1, -2, 2.5, "x\n", true, null, {}, []], "a": {"c": {"d": 1e3}}})", "f.json");
  CHECK(json == Json::parse(R"({"b":[1,-2,2.5,"x\n",true,null,{},[]],"a":{"c":{"d":1e3}}})"));
  CHECK(json.begin().key() == "b");
  CHECK(ParseJsonText("\xEF\xBB\xBF 3 ", "f.json") == Json(3));
}

TEST_CASE("JSON syntax errors say file, line and column") {
  CheckMentions(TextRefusal("{\n  \"a\": 1,\n  \"b\" 2\n}"), {"f.json: line 3, column 7: "});
  CheckMentions(TextRefusal("{\"a\": 1,}"), {"f.json: line 1, column 9: "});
  CheckMentions(TextRefusal(""), {"f.json: line 1, column 1: "});
  CheckMentions(TextRefusal("{} {}"), {"f.json: line 1, column 4: "});
  CheckMentions(TextRefusal("[1, // no\n 2]"), {"f.json: line 1, column 5: "});
  CheckMentions(TextRefusal("{\"a\": [1, 2"), {"f.json: line 1, column "});
  CheckMentions(TextRefusal("[NaN]"), {"f.json: line 1, column 2: "});
  CheckMentions(TextRefusal("[\"\xFF\"]"), {"f.json: line 1, column 3: ", "UTF-8"});
}

TEST_CASE("JSON syntax errors stay on one line and are short") {
  const std::string message = TextRefusal("{\"a\": \"" + std::string(100000, 'x') + "\n\"}");
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message.size() < 400);
}

TEST_CASE("numbers beyond double are refused where they stand") {
  CheckMentions(TextRefusal("[\n 1e999]"), {"f.json: line 2, column ", "1e999"});
  CheckMentions(TextRefusal("[-1e999]"), {"f.json: line 1, column "});
}

TEST_CASE("keys given twice are refused by pointer") {
  CheckMentions(TextRefusal(R"({"a": 1, "a": 1})"), {"f.json: /a: ", "\"a\" is given twice"});
  CheckMentions(TextRefusal(R"({"a": [0, {"b": {}, "c": 1, "b": 2}]})"), {"f.json: /a/1/b: "});
  CheckMentions(TextRefusal(R"({"a/b": {"x~": 1, "x\u007e": 2}})"), {"/a~1b/x~0: "});
  CHECK_NOTHROW(ParseJsonText(R"([{"a": 1}, {"a": {"a": 2}}])", "f.json"));
}

TEST_CASE("nesting has a limit") {
  CHECK_NOTHROW(ParseJsonText(std::string(64, '[') + std::string(64, ']'), "f.json"));
  CheckMentions(TextRefusal(std::string(1000000, '[')), {"nested"});
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  CheckMentions(TextRefusal(objects), {"nested"});
}

TEST_CASE("objects of very many keys take no longer than their text") {
  std::string text = "{";
  for (int i = 0; i < 300000; ++i) text += fmt::format("\"{}\":0,", i);
  CHECK(ParseJsonText(text + "\"x\":0}", "f.json").size() == 300001);
}

}  // namespace
}  // namespace numeral
