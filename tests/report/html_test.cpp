#include "report/html.h"

#include "tests/catch.h"

namespace numeral {

TEST_CASE("text cannot become markup", "[report]") {
  CHECK(Escaped("<script>alert(\"1\" & '2')</script>") ==
        "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
  CHECK(Escaped("é ✓ 9.5%\n") == "é ✓ 9.5%\n");
  CHECK(Escaped("a\xff\xc3") == "a\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(Escaped(std::string("a\0b", 3)) ==
        "a\xEF\xBF\xBD"
        "b");
  CHECK(Escaped("") == "");
}

TEST_CASE("JSON cannot end the element around it", "[report]") {
  const Json json = {{"</script><b>", "<!-- <script> & \xE2\x80\xA8"}, {"n", {1.5, nullptr}}};
  const std::string text = ScriptJson(json);
  CHECK(text.find_first_of("<>&") == std::string::npos);
  CHECK(Json::parse(text) == json);
  CHECK(Json::parse(ScriptJson(Json("\xff"))) == "\xEF\xBF\xBD");
}

// RFC 4648, section 10.
TEST_CASE("base 64", "[report]") {
  CHECK(Base64("") == "");
  CHECK(Base64("f") == "Zg==");
  CHECK(Base64("fo") == "Zm8=");
  CHECK(Base64("foo") == "Zm9v");
  CHECK(Base64("foob") == "Zm9vYg==");
  CHECK(Base64("fooba") == "Zm9vYmE=");
  CHECK(Base64("foobar") == "Zm9vYmFy");
  CHECK(Base64("\xff\xfe\xfb\xf0") == "//778A==");
  CHECK(DataUri("image/png", std::string("\0", 1)) == "data:image/png;base64,AA==");
}

}  // namespace numeral
