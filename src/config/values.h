// Single JSON values to C++ values, checked for type and limits. Internal to config/.
//
// Each function throws Error(kBadInput) that says what was expected, where, and what stands there.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "config/keys.h"
#include "config/location.h"

namespace numeral::config_detail {

bool ReadBool(const Json& json, const Location& at);
std::string ReadString(const Json& json, const Location& at);
double ReadNumber(const Json& json, const Location& at, const Limits& limits);
// Also takes a number with a fraction of zero: 1e3 is a thousand. Limits stay below 2^53.
int64_t ReadInteger(const Json& json, const Location& at, const Limits& limits);
uint64_t ReadSeed(const Json& json, const Location& at);
// The position among limits.choices.
std::size_t ReadChoice(const Json& json, const Location& at, const Limits& limits);

std::vector<int> ReadDistinctIntegers(const Json& json, const Location& at, const Limits& limits);
std::array<int, 2> ReadIntegerPair(const Json& json, const Location& at, const Limits& limits);
std::array<double, 2> ReadNumberPair(const Json& json, const Location& at, const Limits& limits);
// Each name checked by ReadName, `most` at the most.
std::vector<std::string> ReadNames(const Json& json, const Location& at, std::size_t most);

// n or [height, width].
std::array<int, 2> ReadSize(const Json& json, const Location& at, const Limits& limits);
Padding ReadPadding(const Json& json, const Location& at, const Limits& limits);
// "valid" gives zeros.
std::array<int, 4> ReadPoolPadding(const Json& json, const Location& at, const Limits& limits);
Shape ReadShape(const Json& json, const Location& at, const Limits& limits);
InitSpec ReadInit(const Json& json, const Location& at, Convention convention);

// A name of a layer or network input: letters, digits and '_', since it becomes part of tensor
// names.
std::string ReadName(const Json& json, const Location& at);
void CheckName(const std::string& name, const Location& at);

}  // namespace numeral::config_detail
