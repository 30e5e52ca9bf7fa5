#include "config/values.h"

#include <algorithm>
#include <cmath>

#include "config/nearest.h"

namespace numeral::config_detail {
namespace {

constexpr std::size_t kLongestName = 64;

void CheckList(const Json& json, const Location& at, std::string_view expected) {
  if (!json.is_array()) BadValue(at, "expected {}, got {}", expected, Describe(json));
}

int ReadInt(const Json& json, const Location& at, const Limits& limits) {
  return static_cast<int>(ReadInteger(json, at, limits));
}

// One, two or four numbers: all sides; vertical and horizontal; top, bottom, left and right.
std::array<int, 4> ReadSides(const Json& json, const Location& at, const Limits& limits,
                             std::string_view expected) {
  if (json.is_number()) {
    const int all = ReadInt(json, at, limits);
    return {all, all, all, all};
  }
  if (!json.is_array() || (json.size() != 2 && json.size() != 4)) {
    BadValue(at, "expected {}, got {}", expected, Describe(json));
  }
  std::array<int, 4> sides{};
  for (std::size_t i = 0; i < json.size(); ++i) sides[i] = ReadInt(json[i], at / i, limits);
  if (json.size() == 2) sides = {sides[0], sides[0], sides[1], sides[1]};
  return sides;
}

}  // namespace

bool ReadBool(const Json& json, const Location& at) {
  if (!json.is_boolean()) BadValue(at, "expected true or false, got {}", Describe(json));
  return json.get<bool>();
}

std::string ReadString(const Json& json, const Location& at) {
  if (!json.is_string()) BadValue(at, "expected a string, got {}", Describe(json));
  return json.get<std::string>();
}

double ReadNumber(const Json& json, const Location& at, const Limits& limits) {
  if (!json.is_number() || !limits.Contains(json.get<double>())) {
    BadValue(at, "expected a number in {}, got {}", RangeText(limits), Describe(json));
  }
  return json.get<double>();
}

int64_t ReadInteger(const Json& json, const Location& at, const Limits& limits) {
  const double value = json.is_number() ? json.get<double>() : 0.5;
  if (value != std::trunc(value) || !limits.Contains(value)) {
    BadValue(at, "expected an integer in {}, got {}", RangeText(limits), Describe(json));
  }
  return static_cast<int64_t>(value);
}

uint64_t ReadSeed(const Json& json, const Location& at) {
  // A value made by code rather than parsed may hold a positive number as a signed one.
  if (!json.is_number_integer() || (!json.is_number_unsigned() && json.get<int64_t>() < 0)) {
    BadValue(at, "expected an integer in [0, 2^64 - 1], got {}", Describe(json));
  }
  return json.get<uint64_t>();
}

std::size_t ReadChoice(const Json& json, const Location& at, const Limits& limits) {
  const auto& choices = limits.choices;
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    const auto found = std::find(choices.begin(), choices.end(), text);
    if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
    BadValue(at, "unknown value {}{}", Quote(text), Suggest(text, choices));
  }
  BadValue(at, "expected a string, got {}{}", Describe(json), Suggest("", choices));
}

std::vector<int> ReadDistinctIntegers(const Json& json, const Location& at, const Limits& limits) {
  CheckList(json, at, "a list of integers");
  std::vector<int> values;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const int value = ReadInt(json[i], at / i, limits);
    if (std::find(values.begin(), values.end(), value) != values.end()) {
      BadValue(at / i, "{} is given twice", value);
    }
    values.push_back(value);
  }
  return values;
}

std::array<int, 2> ReadIntegerPair(const Json& json, const Location& at, const Limits& limits) {
  if (!json.is_array() || json.size() != 2) {
    BadValue(at, "expected a list of two integers, got {}", Describe(json));
  }
  return {ReadInt(json[0], at / std::size_t{0}, limits), ReadInt(json[1], at / 1, limits)};
}

std::array<double, 2> ReadNumberPair(const Json& json, const Location& at, const Limits& limits) {
  if (!json.is_array() || json.size() != 2) {
    BadValue(at, "expected a list of two numbers, got {}", Describe(json));
  }
  return {ReadNumber(json[0], at / std::size_t{0}, limits), ReadNumber(json[1], at / 1, limits)};
}

std::vector<std::string> ReadNames(const Json& json, const Location& at, std::size_t most) {
  CheckList(json, at, "a list of names");
  if (json.size() > most) {
    BadValue(at, "expected at most {} names, got {}", most, Describe(json));
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < json.size(); ++i) names.push_back(ReadName(json[i], at / i));
  return names;
}

std::array<int, 2> ReadSize(const Json& json, const Location& at, const Limits& limits) {
  if (json.is_number()) {
    const int both = ReadInt(json, at, limits);
    return {both, both};
  }
  if (!json.is_array() || json.size() != 2) {
    BadValue(at, "expected an integer or [height, width], got {}", Describe(json));
  }
  return ReadIntegerPair(json, at, limits);
}

Padding ReadPadding(const Json& json, const Location& at, const Limits& limits) {
  constexpr std::string_view kExpected =
      "\"same\", \"valid\", an integer, [height, width] or [top, bottom, left, right]";
  if (json == "same") return {Padding::Kind::kSame, {}};
  if (json == "valid") return {Padding::Kind::kValid, {}};
  return {Padding::Kind::kExplicit, ReadSides(json, at, limits, kExpected)};
}

std::array<int, 4> ReadPoolPadding(const Json& json, const Location& at, const Limits& limits) {
  constexpr std::string_view kExpected =
      "\"valid\", an integer, [height, width] or [top, bottom, left, right]";
  if (json == "valid") return {};
  return ReadSides(json, at, limits, kExpected);
}

Shape ReadShape(const Json& json, const Location& at, const Limits& limits) {
  if (!json.is_array() || (json.size() != 1 && json.size() != 3)) {
    BadValue(at, "expected [height, width, channels] or [features], got {}", Describe(json));
  }
  std::array<int, 3> sizes{};
  double elements = 1;
  for (std::size_t i = 0; i < json.size(); ++i) {
    sizes[i] = ReadInt(json[i], at / i, limits);
    elements *= sizes[i];
  }
  if (elements > limits.max) {
    BadValue(at, "expected at most {} elements, got {}", limits.max, elements);
  }
  return json.size() == 1 ? Shape::Flat(sizes[0]) : Shape::Spatial(sizes[0], sizes[1], sizes[2]);
}

std::string ReadName(const Json& json, const Location& at) {
  std::string name = ReadString(json, at);
  CheckName(name, at);
  return name;
}

void CheckName(const std::string& name, const Location& at) {
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (name.empty() || name.size() > kLongestName || !clean) {
    BadValue(at, "{} is no name: 1 to {} letters, digits or '_' make one", Quote(name),
             kLongestName);
  }
}

}  // namespace numeral::config_detail
