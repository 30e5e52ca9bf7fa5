#include "config/object_reader.h"

#include <algorithm>

#include "config/nearest.h"
#include "config/values.h"

namespace numeral::config_detail {
namespace {

void CheckObject(const Json& json, const Location& at) {
  if (!json.is_object()) BadValue(at, "expected an object, got {}", Describe(json));
}

std::vector<std::string> KeysOf(const std::vector<std::string>& objects) {
  std::vector<std::string> keys;
  for (const Key& key : KeyTable()) {
    if (std::find(objects.begin(), objects.end(), key.object) != objects.end()) {
      keys.emplace_back(key.key);
    }
  }
  return keys;
}

// " (a number in [0, 1])" of a missing key.
std::string Expectation(const Key& key) {
  const std::string range = RangeText(key);
  return range.empty() ? "" : fmt::format(" ({})", range);
}

}  // namespace

ObjectReader::ObjectReader(const Json& json, Location at, std::vector<std::string> objects,
                           Convention convention)
    : json_(json), at_(std::move(at)), objects_(std::move(objects)), convention_(convention) {
  CheckObject(json_, at_);
  const std::vector<std::string> known = KeysOf(objects_);
  for (const auto& item : json_.items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
      BadValue(At(item.key()), "unknown key{}", Suggest(item.key(), known));
    }
  }
}

const Key& ObjectReader::Find(std::string_view key) const {
  for (const Key& candidate : KeyTable()) {
    if (candidate.key == key &&
        std::find(objects_.begin(), objects_.end(), candidate.object) != objects_.end()) {
      return candidate;
    }
  }
  Fail("internal error: the key table has no {} of {}", key, objects_.front());
}

const Key& ObjectReader::Find(std::string_view key, KeyType type) const {
  const Key& found = Find(key);
  NUMERAL_CHECK(found.type == type);
  return found;
}

const Json& ObjectReader::ValueOf(const Key& key) const {
  const auto written = json_.find(key.key);
  if (written != json_.end()) return *written;
  if (key.default_value.kind == Default::Kind::kRequired) {
    BadValue(at_, "{} is missing{}", Quote(key.key), Expectation(key));
  }
  NUMERAL_CHECK(key.default_value.kind != Default::Kind::kWords);
  return convention_ == Convention::kKeras ? key.default_value.keras : key.default_value.pytorch;
}

const Json& ObjectReader::Raw(std::string_view key) const { return ValueOf(Find(key)); }

bool ObjectReader::Bool(std::string_view key) const {
  return ReadBool(ValueOf(Find(key, KeyType::kBool)), At(key));
}

int ObjectReader::Int(std::string_view key) const {
  const Key& found = Find(key, KeyType::kInteger);
  return static_cast<int>(ReadInteger(ValueOf(found), At(key), found.limits));
}

double ObjectReader::Number(std::string_view key) const {
  const Key& found = Find(key, KeyType::kNumber);
  return ReadNumber(ValueOf(found), At(key), found.limits);
}

std::string ObjectReader::String(std::string_view key) const {
  return ReadString(ValueOf(Find(key, KeyType::kString)), At(key));
}

uint64_t ObjectReader::Seed(std::string_view key) const {
  return ReadSeed(ValueOf(Find(key, KeyType::kSeed)), At(key));
}

std::size_t ObjectReader::ChoiceIndex(std::string_view key) const {
  const Key& found = Find(key, KeyType::kChoice);
  return ReadChoice(ValueOf(found), At(key), found.limits);
}

const std::string& ObjectReader::ChoiceText(std::string_view key) const {
  return Find(key).limits.choices.at(ChoiceIndex(key));
}

std::vector<int> ObjectReader::Integers(std::string_view key) const {
  const Key& found = Find(key, KeyType::kIntegers);
  return ReadDistinctIntegers(ValueOf(found), At(key), found.limits);
}

std::array<int, 2> ObjectReader::IntegerPair(std::string_view key) const {
  const Key& found = Find(key, KeyType::kIntegerPair);
  return ReadIntegerPair(ValueOf(found), At(key), found.limits);
}

std::array<double, 2> ObjectReader::NumberPair(std::string_view key) const {
  const Key& found = Find(key, KeyType::kNumberPair);
  return ReadNumberPair(ValueOf(found), At(key), found.limits);
}

std::array<int, 2> ObjectReader::Size(std::string_view key) const {
  const Key& found = Find(key, KeyType::kSize);
  return ReadSize(ValueOf(found), At(key), found.limits);
}

Padding ObjectReader::PaddingOf(std::string_view key) const {
  const Key& found = Find(key, KeyType::kPadding);
  return ReadPadding(ValueOf(found), At(key), found.limits);
}

std::array<int, 4> ObjectReader::PoolPadding(std::string_view key) const {
  const Key& found = Find(key, KeyType::kPoolPadding);
  return ReadPoolPadding(ValueOf(found), At(key), found.limits);
}

Shape ObjectReader::ShapeOf(std::string_view key) const {
  const Key& found = Find(key, KeyType::kShape);
  return ReadShape(ValueOf(found), At(key), found.limits);
}

InitSpec ObjectReader::Init(std::string_view key) const {
  return ReadInit(ValueOf(Find(key, KeyType::kInit)), At(key), convention_);
}

ObjectReader ObjectReader::Object(std::string_view key, std::string_view object) const {
  return {Raw(key), At(key), {std::string(object)}, convention_};
}

ObjectReader ReadKind(const Json& json, const Location& at, std::string_view object,
                      std::string_view selector, Convention convention) {
  CheckObject(json, at);
  const std::string common = fmt::format("{}/*", object);
  const Key& key = FindKey(common, selector);
  const auto written = json.find(selector);
  if (written == json.end()) BadValue(at, "{} is missing{}", Quote(selector), Expectation(key));
  const std::size_t choice = ReadChoice(*written, at / selector, key.limits);
  return {json, at, {common, fmt::format("{}/{}", object, key.limits.choices[choice])}, convention};
}

}  // namespace numeral::config_detail
