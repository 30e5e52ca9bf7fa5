// Named tensors in one file, in the safetensors format: eight bytes with the header's length, a
// JSON header (element type, shape and place of every tensor, and a map of strings), then the data.
//
// Owns: the bytes of the format. The writer gives the same bytes for the same content, whatever the
// order of the tensors, in the order of the reference implementation (github.com/huggingface/
// safetensors): wide elements first, then by name. The reader takes a file as hostile and refuses,
// naming file and byte offset or tensor: a length beyond the file, JSON that is wrong or gives a
// key twice, element types not listed here, shapes that disagree with the data, data that overlaps,
// is out of range or belongs to no tensor. Values are not looked at; CheckFinite does that. Called
// by checkpoint/weights.h and by the run state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/error.h"

namespace numeral {

// In the order of the reference implementation, which writes the last of these first.
enum class SafeType { kU8, kI32, kF32, kF64, kI64 };

template <typename T>
inline constexpr SafeType kSafeTypeOf =
    [] { static_assert(sizeof(T) == 0, "no safetensors type is listed for this element"); }();
template <>
inline constexpr SafeType kSafeTypeOf<uint8_t> = SafeType::kU8;
template <>
inline constexpr SafeType kSafeTypeOf<int32_t> = SafeType::kI32;
template <>
inline constexpr SafeType kSafeTypeOf<float> = SafeType::kF32;
template <>
inline constexpr SafeType kSafeTypeOf<double> = SafeType::kF64;
template <>
inline constexpr SafeType kSafeTypeOf<int64_t> = SafeType::kI64;

// "F32".
std::string_view ToString(SafeType type);

struct SafeTensor {
  std::string name;
  SafeType type = SafeType::kF32;
  std::vector<int64_t> shape;    // empty for a scalar
  std::vector<std::byte> bytes;  // row-major, little-endian
};

struct SafeTensors {
  std::map<std::string, std::string> metadata;
  std::vector<SafeTensor> tensors;  // read: in the order of their data; names differ

  const SafeTensor* Find(std::string_view name) const;  // or nullptr
};

// `values` holds as many elements as `shape` says; the writer checks that.
template <typename T>
SafeTensor MakeSafeTensor(std::string name, std::vector<int64_t> shape, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return {std::move(name), kSafeTypeOf<T>, std::move(shape), {bytes.begin(), bytes.end()}};
}

// The elements of a tensor that is known to hold elements of type T.
template <typename T>
std::vector<T> ValuesOf(const SafeTensor& tensor) {
  NUMERAL_CHECK(tensor.type == kSafeTypeOf<T>);
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

// The bytes of a file. Throws Error(kFailure) for content that no file can hold: a name used twice,
// a shape that disagrees with the bytes, text that is no UTF-8.
std::string SerializeSafeTensors(const SafeTensors& file);

// `source` opens every message. Throws Error(kBadInput).
SafeTensors ParseSafeTensors(std::string_view bytes, const std::string& source);

// SerializeSafeTensors to a file that appears whole or not at all.
void WriteSafeTensors(const std::filesystem::path& path, const SafeTensors& file);

// Throws Error(kBadInput).
SafeTensors ReadSafeTensors(const std::filesystem::path& path);

// Throws Error(kBadInput) with the tensor's name and the element unless every float is finite.
void CheckFinite(const SafeTensors& file, const std::string& source);

// "[64, 1, 5, 5]".
std::string ShapeText(std::span<const int64_t> shape);

// A name from a file as a JSON string, safe to print on one line whatever it holds, long ones cut.
std::string QuotedName(std::string_view name);

}  // namespace numeral
