// The key table, the JSON Schema and the tables of configs/README.md say the same.
#include <filesystem>
#include <map>
#include <set>

#include "tests/config/config_json.h"
#include "util/files.h"

namespace numeral {
namespace {

std::string ConfigsFile(const std::string& name) {
  return ReadFile(std::filesystem::path(NUMERAL_SOURCE_DIR) / "configs" / name);
}

const Json& Schema() {
  static const Json schema = ParseJsonText(ConfigsFile("schema/config.schema.json"), "schema");
  return schema;
}

const Json& Resolve(const Json& node) {
  if (!node.contains("$ref")) return node;
  const std::string ref = node["$ref"].get<std::string>();
  return Resolve(Schema().at(Json::json_pointer(ref.substr(1))));
}

// One key of one kind of object, as the schema has it.
struct Place {
  const Json* node;
  bool required;
};
using Places = std::map<std::pair<std::string, std::string>, Place>;

// The key table's path of what lies under `key` of `object`.
std::string PathBelow(const std::string& object, const std::string& key) {
  if (key == "weight_init" || key == "bias_init") return "/networks/*/layers/*/init";
  for (const char* network : {"generator", "discriminator", "classifier", "latent_predictor"}) {
    if (key == network) return object + "/*";
  }
  return object + "/" + key;
}

void Walk(const Json& node, const std::string& path, Places& places);

// The values of the key by which an alternative is chosen; empty if it is no object.
std::vector<std::string> KindsOf(const Json& alternative) {
  for (const char* selector : {"type", "kind"}) {
    if (!alternative.contains("properties")) continue;
    const Json& properties = alternative["properties"];
    if (!properties.contains(selector)) continue;
    const Json& node = properties[selector];
    if (node.contains("const")) return {node["const"].get<std::string>()};
    return node["enum"].get<std::vector<std::string>>();
  }
  return {};
}

void WalkObject(const Json& object, const std::string& path, Places& places) {
  CHECK(object["additionalProperties"] == false);
  const Json required = object.value("required", Json::array());
  for (const auto& item : object["properties"].items()) {
    const bool needed = std::find(required.begin(), required.end(), item.key()) != required.end();
    places.insert({{path, item.key()}, {&item.value(), needed}});
    Walk(item.value(), PathBelow(path, item.key()), places);
  }
}

void Walk(const Json& unresolved, const std::string& path, Places& places) {
  const Json& node = Resolve(unresolved);
  if (node.contains("properties")) return WalkObject(node, path, places);
  if (node.contains("additionalProperties")) Walk(node["additionalProperties"], path, places);
  if (node.contains("items")) Walk(node["items"], path, places);
  for (const Json& reference : node.value("oneOf", Json::array())) {
    const Json& alternative = Resolve(reference);
    for (const std::string& kind : KindsOf(alternative)) {
      WalkObject(alternative, path + "/" + kind, places);
    }
  }
}

Places SchemaPlaces() {
  Places places;
  Walk(Schema(), "", places);
  return places;
}

// `"a" | "b"` to a and b.
std::vector<std::string> Choices(const std::string& range) {
  std::string list = range;
  for (std::size_t at; (at = list.find(" | ")) != std::string::npos;) list.replace(at, 3, ",");
  return Json::parse("[" + list + "]").get<std::vector<std::string>>();
}

bool IsChoice(const KeyDoc& key) { return key.range.starts_with('"'); }

// Objects whose kinds share keys.
const std::set<std::string> kVariants = {"/networks/*/inputs/*", "/networks/*/layers/*",
                                         "/networks/*/layers/*/init/*",
                                         "/training/optimizers/*/schedule/*"};

// The rows of AllKeys() with the keys of every kind repeated for each kind.
std::vector<KeyDoc> ExpandedKeys() {
  std::map<std::string, std::vector<std::string>> kinds;
  std::vector<KeyDoc> keys;
  for (const KeyDoc& key : AllKeys()) {
    if (!kVariants.contains(key.object)) {
      keys.push_back(key);
      continue;
    }
    if (IsChoice(key)) kinds[key.object] = Choices(key.range);  // its first key, the selector
    for (const std::string& kind : kinds[key.object]) {
      KeyDoc expanded = key;
      expanded.object.replace(expanded.object.size() - 1, 1, kind);
      if (IsChoice(key)) expanded.range = "\"" + kind + "\"";
      keys.push_back(expanded);
    }
  }
  return keys;
}

bool IsSelector(const KeyDoc& key) {
  return (key.key == "type" || key.key == "kind") && key.default_value == "required";
}

// All intervals that numbers in `unresolved` must lie in.
void CollectRanges(const Json& unresolved, std::set<std::string>& ranges) {
  const Json& node = Resolve(unresolved);
  const auto bound = [&](const char* closed, const char* open, const char* brackets) {
    const bool is_open = node.contains(open);
    const std::string number = fmt::format("{}", node[is_open ? open : closed].get<double>());
    return std::pair(number, brackets[is_open ? 1 : 0]);
  };
  if (node.contains("minimum") || node.contains("exclusiveMinimum")) {
    const auto [low, left] = bound("minimum", "exclusiveMinimum", "[(");
    const auto [high, right] = bound("maximum", "exclusiveMaximum", "])");
    ranges.insert(fmt::format("{}{}, {}{}", left, low, high, right));
  }
  if (node.contains("items")) CollectRanges(node["items"], ranges);
  for (const Json& alternative : node.value("oneOf", Json::array())) {
    if (!KindsOf(Resolve(alternative)).empty()) continue;
    CollectRanges(alternative, ranges);
  }
}

void CheckLimits(const KeyDoc& key, const Json& unresolved) {
  const Json& node = Resolve(unresolved);
  if (IsSelector(key)) {
    const std::vector<std::string> kinds =
        node.contains("enum") ? node["enum"].get<std::vector<std::string>>()
                              : std::vector<std::string>{node["const"].get<std::string>()};
    CHECK(std::find(kinds.begin(), kinds.end(), Choices(key.range).front()) != kinds.end());
  } else if (IsChoice(key)) {
    CHECK(node["enum"].get<std::vector<std::string>>() == Choices(key.range));
  } else if (key.key == "seed") {
    CHECK(node["minimum"] == 0);
    CHECK(node["maximum"] == UINT64_MAX);
  } else if (!key.object.starts_with("/networks") || key.key != "layers") {
    std::set<std::string> ranges;
    if (key.range.empty() && key.type != "number" && key.type != "integer") return;
    CollectRanges(unresolved, ranges);
    CHECK(ranges == std::set<std::string>{key.range});
  }
}

void CheckType(const KeyDoc& key, const Json& unresolved) {
  const std::map<std::string, std::string> types = {{"true or false", "boolean"},
                                                    {"integer", "integer"},
                                                    {"number", "number"},
                                                    {"string", "string"},
                                                    {"object", "object"},
                                                    {"list of integers", "array"},
                                                    {"two integers", "array"},
                                                    {"two numbers", "array"},
                                                    {"list of names", "array"},
                                                    {"list of objects", "array"},
                                                    {"object of named inputs", "object"}};
  const Json& node = Resolve(unresolved);
  if (!types.contains(key.type) || !node.contains("type")) return;
  CHECK(node["type"] == types.at(key.type));
}

void CheckDefault(const KeyDoc& key, const Place& place) {
  const Json& node = *place.node;
  const std::string description = node.contains("description")
                                      ? node["description"].get<std::string>()
                                      : Resolve(node)["description"].get<std::string>();
  if (key.default_value == "required") {
    CHECK(place.required);
    CHECK(description == key.doc);
  } else if (Json::accept(key.default_value)) {
    CHECK_FALSE(place.required);
    CHECK(node["default"].dump() == key.default_value);
    CHECK(description == key.doc);
  } else {
    CHECK_FALSE(node.contains("default"));
    const std::string words = key.default_value.ends_with("...")
                                  ? key.default_value.substr(0, key.default_value.size() - 3)
                                  : key.default_value;
    CHECK(description == key.doc + " Default: " + words + ".");
  }
}

TEST_CASE("the schema has the keys, types, limits, defaults and texts of the parser") {
  const Places places = SchemaPlaces();
  for (const KeyDoc& key : ExpandedKeys()) {
    INFO(key.object << " " << key.key);
    const auto place = places.find({key.object, key.key});
    REQUIRE(place != places.end());
    CheckLimits(key, *place->second.node);
    CheckType(key, *place->second.node);
    if (!IsSelector(key)) CheckDefault(key, place->second);
  }
}

TEST_CASE("the schema has no key that the parser does not know") {
  std::set<std::pair<std::string, std::string>> known;
  for (const KeyDoc& key : ExpandedKeys()) known.insert({key.object, key.key});
  const Places places = SchemaPlaces();
  CHECK(places.size() == known.size());
  for (const auto& [name, place] : places) {
    INFO(name.first << " " << name.second);
    CHECK(known.contains(name));
  }
}

TEST_CASE("layers that join several others must name them in the schema too") {
  const Places places = SchemaPlaces();
  for (const char* type : {"concat", "multiply", "add"}) {
    const Place& place = places.at({std::string("/networks/*/layers/") + type, "inputs"});
    CHECK(place.required);
    CHECK(Resolve(*place.node)["minItems"] == 2);
  }
  CHECK(Resolve(*places.at({"/networks/*/layers/relu", "inputs"}).node)["maxItems"] == 1);
}

TEST_CASE("configs/README.md has a row for every key") {
  const std::string readme = ConfigsFile("README.md");
  const auto escaped = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
      text.insert(at, "\\");
    }
    return text;
  };
  for (const KeyDoc& key : AllKeys()) {
    const std::string row =
        fmt::format("| `{}` | {} | {} | {} | {} |", key.key, escaped(key.type), escaped(key.range),
                    escaped(key.default_value), escaped(key.doc));
    INFO(row);
    CHECK(readme.find(row) != std::string::npos);
  }
}

}  // namespace
}  // namespace numeral
