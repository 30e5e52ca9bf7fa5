// Whatever a file holds, the answer is a Config or Error(kBadInput) on one line.
#include <filesystem>
#include <random>

#include "tests/config/config_json.h"
#include "util/files.h"

namespace numeral {
namespace {

std::string Example() {
  return ReadFile(std::filesystem::path(NUMERAL_SOURCE_DIR) / "configs/cgan_filterselect.json");
}

// True if `parse` returned a value.
template <typename Parse>
bool Accepts(Parse&& parse) {
  try {
    parse();
    return true;
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kBadInput);
    CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
    CHECK(std::string_view(error.what()).size() < 2000);
    return false;
  }
}

TEST_CASE("files with bytes changed, removed or doubled") {
  const std::string example = Example();
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = example;
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      const std::size_t at = below(text.size());
      const std::string piece = text.substr(below(text.size()), 1 + below(30));
      if (below(3) == 0) {
        text[at] = static_cast<char>(below(256));
      } else if (below(2) == 0) {
        text.erase(at, piece.size());
      } else {
        text.insert(at, piece);
      }
    }
    if (!Accepts([&] { ParseConfig(ParseJsonText(text, "f"), "f", "f"); })) ++refused;
  }
  CHECK(refused > 1000);
}

// Pointers of all values in `json`.
void Collect(const Json& json, const std::string& pointer, std::vector<std::string>& pointers) {
  pointers.push_back(pointer);
  if (!json.is_structured()) return;
  for (const auto& item : json.items()) {
    Collect(item.value(), pointer + "/" + item.key(), pointers);
  }
}

TEST_CASE("files with any one value replaced or removed") {
  const Json example = ParseJsonText(Example(), "example");
  std::vector<std::string> pointers;
  Collect(ToJson(ParseConfig(example, "f", "f")), "", pointers);
  const Json values = Json::parse(
      R"([null, true, 0, -1, 3, 2.5, 1e300, 18446744073709551615, "", "x", "zeros", [], [1, 2],
          [1, 2, 3, 4], [[]], {}, {"type": "normal"}, {"a": {}}])");
  const Json resolved = ToJson(ParseConfig(example, "f", "f"));
  for (const std::string& pointer : pointers) {
    INFO(pointer);
    for (const Json& value : values) {
      Json json = resolved;
      json[Json::json_pointer(pointer)] = value;
      if (!Accepts([&] { ParseConfig(json, "f", "f"); })) continue;
      const Config config = ParseConfig(json, "f", "f");
      CHECK(ParseConfig(ToJson(config), "f", "f") == config);
    }
  }
  CHECK(pointers.size() > 300);
}

}  // namespace
}  // namespace numeral
