// The one table of everything a config file may say.
//
// Each row is one key of one kind of object: its type, limits, default and documentation. Reading,
// defaults, the refusal of unknown keys, writing of enumerated values, AllKeys() and, through
// tests, the JSON Schema and configs/README.md all follow it. Internal to config/.
//
// Objects are named by their path: "/data", "/networks/*". Where a key of the object selects its
// kind, the keys of every kind are under "<path>/*" and further ones under "<path>/<kind>":
// "/networks/*/layers/*" and "/networks/*/layers/dense".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/parse.h"

namespace numeral::config_detail {

inline constexpr std::string_view kTop = "";
inline constexpr std::string_view kData = "/data";
inline constexpr std::string_view kNetworks = "/networks";
inline constexpr std::string_view kNetwork = "/networks/*";
inline constexpr std::string_view kInputs = "/networks/*/inputs";
inline constexpr std::string_view kLayers = "/networks/*/layers";
inline constexpr std::string_view kInits = "/networks/*/layers/*/init";
inline constexpr std::string_view kTraining = "/training";
inline constexpr std::string_view kLoss = "/training/loss";
inline constexpr std::string_view kOptimizers = "/training/optimizers";
inline constexpr std::string_view kOptimizer = "/training/optimizers/*";
inline constexpr std::string_view kSchedules = "/training/optimizers/*/schedule";
inline constexpr std::string_view kOutput = "/output";
inline constexpr std::string_view kEvaluation = "/evaluation";
inline constexpr std::string_view kPairs = "/pairs";

enum class KeyType {
  kString,
  kChoice,  // one of Limits::choices, in the order of the enumeration in spec.h where there is one
  kBool,
  kInteger,
  kSeed,  // 64 bits, which a double does not hold
  kNumber,
  kIntegers,     // a list of different integers
  kIntegerPair,  // [a, b]
  kNumberPair,   // [a, b]
  kSize,         // n or [height, width]
  kPadding,      // "same", "valid", n, [height, width] or [top, bottom, left, right]
  kPoolPadding,  // the same without "same"
  kShape,        // [height, width, channels] or [features]
  kInit,         // a kind's name or an object of kInits
  kNames,        // a list of strings
  kObject,
  kObjects,     // a list of objects
  kNamedInputs  // an object whose keys are names
};

// Of numbers or, for lists, of each element.
struct Limits {
  double min = 0, max = 0;
  bool open_min = false, open_max = false;
  std::vector<std::string> choices;

  bool Contains(double value) const {
    return (open_min ? value > min : value >= min) && (open_max ? value < max : value <= max);
  }
};

struct Default {
  enum class Kind { kRequired, kValue, kByConvention, kWords };
  Kind kind = Kind::kRequired;
  Json pytorch, keras;  // equal for kValue
  std::string words;    // kWords: how the parser works the value out
};

struct Key {
  std::string_view object, key;
  KeyType type;
  Limits limits;
  Default default_value;
  std::string_view doc;
};

const std::vector<Key>& KeyTable();
std::vector<Key> RunKeys();      // its part outside /networks; for KeyTable()
std::vector<Key> NetworkKeys();  // its part in /networks

// A key that must be in the table.
const Key& FindKey(std::string_view object, std::string_view key);

// "[1, 64]", "[0, 1)", `"keep" | "drop"`; empty for types without limits.
std::string RangeText(const Key& key);
std::string RangeText(const Limits& limits);

// The JSON name of an enumerated value, by its position among the choices.
template <typename Enum>
const std::string& ChoiceName(std::string_view object, std::string_view key, Enum value) {
  return FindKey(object, key).limits.choices.at(static_cast<std::size_t>(value));
}

// Shorthands the table is written with.
inline Limits Within(double min, double max) { return {min, max, false, false, {}}; }
inline Limits From(double min, double below) { return {min, below, false, true, {}}; }
inline Limits Above(double min, double max) { return {min, max, true, false, {}}; }
inline Limits OneOf(std::vector<std::string> choices) {
  return {0, 0, false, false, std::move(choices)};
}
inline Default Required() { return {}; }
inline Default Value(Json value) { return {Default::Kind::kValue, value, value, {}}; }
inline Default ByConvention(Json pytorch, Json keras) {
  return {Default::Kind::kByConvention, std::move(pytorch), std::move(keras), {}};
}
inline Default Words(std::string words) {
  return {Default::Kind::kWords, {}, {}, std::move(words)};
}

}  // namespace numeral::config_detail
