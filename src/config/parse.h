// JSON text to Config and back.
//
// Refuses: unknown keys (naming the nearest valid one), wrong types, values out of range, names
// that do not resolve. Every message starts with the file (or `source`) and the JSON pointer of the
// value. Does not check shapes: graph/ does. Throws Error(kBadInput).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/spec.h"

namespace numeral {

using Json = nlohmann::ordered_json;

// An override of one value before validation: `--set /training/epochs=3`.
struct Override {
  std::string pointer;  // RFC 6901
  std::string json;     // the new value as JSON text; text that is no JSON is taken as a string
};

// "POINTER=JSON" -> Override. Throws Error(kBadInput).
Override ParseOverride(std::string_view text);

// Reads, overrides, validates, fills defaults in. `name` defaults to the file's stem.
Config LoadConfig(const std::string& path, const std::vector<Override>& overrides = {});
Config ParseConfig(const Json& json, const std::string& source, const std::string& default_name);

// The resolved form: every key explicit. ParseConfig(ToJson(c)) gives the same Config again.
Json ToJson(const Config& config);

// One network alone, as a weights file carries it in its metadata.
NetworkSpec ParseNetwork(const Json& json, const std::string& name, Convention convention,
                         const std::string& source);
Json ToJson(const NetworkSpec& network, Convention convention);

// Every key the parser knows by the path of its object; the top level's is empty. Where a key
// selects the object's kind, "<path>/*" has the keys of every kind and "<path>/<kind>" the others:
// "/networks/*/layers/*", "/networks/*/layers/dense". `default_value` is JSON, or "required", or
// words; `range` is an interval, the choices, or empty. Tests hold it against configs/schema/ and
// configs/README.md.
struct KeyDoc {
  std::string object, key, type, range, default_value, doc;
};
const std::vector<KeyDoc>& AllKeys();

}  // namespace numeral
