#include "config/keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "util/error.h"

namespace numeral {
namespace config_detail {
namespace {

std::string TypeText(KeyType type) {
  switch (type) {
    case KeyType::kString:
    case KeyType::kChoice:
      return "string";
    case KeyType::kBool:
      return "true or false";
    case KeyType::kInteger:
    case KeyType::kSeed:
      return "integer";
    case KeyType::kNumber:
      return "number";
    case KeyType::kIntegers:
      return "list of integers";
    case KeyType::kIntegerPair:
      return "two integers";
    case KeyType::kNumberPair:
      return "two numbers";
    case KeyType::kSize:
      return "n or [height, width]";
    case KeyType::kPadding:
      return "\"same\", \"valid\", n, [height, width] or [top, bottom, left, right]";
    case KeyType::kPoolPadding:
      return "\"valid\", n, [height, width] or [top, bottom, left, right]";
    case KeyType::kShape:
      return "[height, width, channels] or [features]";
    case KeyType::kInit:
      return "initialisation";
    case KeyType::kNames:
      return "list of names";
    case KeyType::kObject:
      return "object";
    case KeyType::kObjects:
      return "list of objects";
    case KeyType::kNamedInputs:
      return "object of named inputs";
  }
  Fail("internal error: no text for key type {}", static_cast<int>(type));
}

bool HasRange(KeyType type) {
  switch (type) {
    case KeyType::kInteger:
    case KeyType::kNumber:
    case KeyType::kIntegers:
    case KeyType::kIntegerPair:
    case KeyType::kNumberPair:
    case KeyType::kSize:
    case KeyType::kPadding:
    case KeyType::kPoolPadding:
    case KeyType::kShape:
      return true;
    default:
      return false;
  }
}

std::string DefaultText(const Default& value) {
  switch (value.kind) {
    case Default::Kind::kRequired:
      return "required";
    case Default::Kind::kValue:
      return value.pytorch.dump();
    case Default::Kind::kByConvention:
      return fmt::format("{} (pytorch), {} (keras)", value.pytorch.dump(), value.keras.dump());
    case Default::Kind::kWords:
      return value.words;
  }
  Fail("internal error: no text for default {}", static_cast<int>(value.kind));
}

std::vector<KeyDoc> MakeDocs() {
  std::vector<KeyDoc> docs;
  for (const Key& key : KeyTable()) {
    docs.push_back({std::string(key.object), std::string(key.key), TypeText(key.type),
                    RangeText(key), DefaultText(key.default_value), std::string(key.doc)});
  }
  return docs;
}

}  // namespace

const std::vector<Key>& KeyTable() {
  static const std::vector<Key> table = [] {
    std::vector<Key> all = RunKeys();
    const std::vector<Key> networks = NetworkKeys();
    all.insert(all.end(), networks.begin(), networks.end());
    return all;
  }();
  return table;
}

const Key& FindKey(std::string_view object, std::string_view key) {
  for (const Key& candidate : KeyTable()) {
    if (candidate.object == object && candidate.key == key) return candidate;
  }
  Fail("internal error: the key table has no {} of {}", key, object);
}

std::string RangeText(const Limits& limits) {
  return fmt::format("{}{}, {}{}", limits.open_min ? '(' : '[', limits.min, limits.max,
                     limits.open_max ? ')' : ']');
}

std::string RangeText(const Key& key) {
  if (key.type == KeyType::kChoice) {
    return fmt::format("\"{}\"", fmt::join(key.limits.choices, "\" | \""));
  }
  if (key.type == KeyType::kSeed) return "[0, 2^64 - 1]";
  return HasRange(key.type) ? RangeText(key.limits) : "";
}

}  // namespace config_detail

const std::vector<KeyDoc>& AllKeys() {
  static const std::vector<KeyDoc> docs = config_detail::MakeDocs();
  return docs;
}

}  // namespace numeral
