// One JSON object read by the key table. Internal to config/.
//
// On construction it refuses what is no object and keys that the table does not have. Each access
// then takes the written value or the table's default and checks both alike. Asking for a key the
// table does not have, or with another type than it says, is an internal error.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/keys.h"
#include "config/location.h"

namespace numeral::config_detail {

class ObjectReader {
 public:
  // `objects`: the paths of the table whose keys together are valid. `json` must outlive the
  // reader.
  ObjectReader(const Json& json, Location at, std::vector<std::string> objects,
               Convention convention);

  const Location& at() const { return at_; }
  Convention convention() const { return convention_; }
  Location At(std::string_view key) const { return at_ / key; }
  bool Has(std::string_view key) const { return json_.contains(key); }

  bool Bool(std::string_view key) const;
  int Int(std::string_view key) const;
  double Number(std::string_view key) const;
  std::string String(std::string_view key) const;
  uint64_t Seed(std::string_view key) const;
  template <typename Enum>
  Enum Choice(std::string_view key) const {
    return static_cast<Enum>(ChoiceIndex(key));
  }
  const std::string& ChoiceText(std::string_view key) const;
  std::vector<int> Integers(std::string_view key) const;
  std::array<int, 2> IntegerPair(std::string_view key) const;
  std::array<double, 2> NumberPair(std::string_view key) const;
  std::array<int, 2> Size(std::string_view key) const;
  Padding PaddingOf(std::string_view key) const;
  std::array<int, 4> PoolPadding(std::string_view key) const;
  Shape ShapeOf(std::string_view key) const;
  InitSpec Init(std::string_view key) const;

  // The value itself, for objects and lists that need a reader of their own.
  const Json& Raw(std::string_view key) const;
  // A reader of the object under `key`.
  ObjectReader Object(std::string_view key, std::string_view object) const;

 private:
  const Key& Find(std::string_view key) const;
  const Key& Find(std::string_view key, KeyType type) const;
  const Json& ValueOf(const Key& key) const;
  std::size_t ChoiceIndex(std::string_view key) const;

  const Json& json_;
  Location at_;
  std::vector<std::string> objects_;
  Convention convention_;
};

// A reader of an object whose `selector` key chooses its kind: valid are the keys of "<object>/*"
// and
// "<object>/<kind>".
ObjectReader ReadKind(const Json& json, const Location& at, std::string_view object,
                      std::string_view selector, Convention convention);

}  // namespace numeral::config_detail
