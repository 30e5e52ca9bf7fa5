// Initialisations: a kind's name, or an object with the kind's numbers.
#include "config/object_reader.h"
#include "config/sections.h"
#include "config/values.h"

namespace numeral::config_detail {
namespace {

constexpr std::string_view kSelector = "type";

}  // namespace

InitSpec ReadInit(const Json& json, const Location& at, Convention convention) {
  if (json.is_string()) {
    // The name alone stands for an object without further keys; a bad name is reported where it is.
    ReadChoice(json, at, FindKey("/networks/*/layers/*/init/*", kSelector).limits);
    return ReadInit(Json{{kSelector, json}}, at, convention);
  }
  const ObjectReader reader = ReadKind(json, at, kInits, kSelector, convention);
  InitSpec init;
  init.kind = reader.Choice<InitSpec::Kind>(kSelector);
  if (init.kind == InitSpec::Kind::kNormal) {
    init.mean = reader.Number("mean");
    init.std = reader.Number("std");
  } else if (init.kind == InitSpec::Kind::kUniform) {
    init.bound = reader.Number("bound");
  }
  return init;
}

Json WriteInit(const InitSpec& init) {
  const std::string& kind = ChoiceName("/networks/*/layers/*/init/*", kSelector, init.kind);
  if (init.kind == InitSpec::Kind::kNormal) {
    return {{kSelector, kind}, {"mean", init.mean}, {"std", init.std}};
  }
  if (init.kind == InitSpec::Kind::kUniform) return {{kSelector, kind}, {"bound", init.bound}};
  return kind;
}

}  // namespace numeral::config_detail
