#include "checkpoint/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors_layout.h"
#include "util/files.h"

namespace numeral {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian and tensors are copied as they lie in memory");

namespace {

using safetensors_detail::kAlignmentBytes;
using safetensors_detail::kMetadataKey;

std::vector<const SafeTensor*> InFileOrder(const SafeTensors& file) {
  std::vector<const SafeTensor*> order;
  order.reserve(file.tensors.size());
  for (const SafeTensor& tensor : file.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const SafeTensor* a, const SafeTensor* b) {
    return a->type != b->type ? a->type > b->type : a->name < b->name;
  });
  return order;
}

void CheckWritable(const SafeTensors& file) {
  std::vector<std::string_view> names{kMetadataKey};
  for (const SafeTensor& tensor : file.tensors) {
    const auto bytes = safetensors_detail::SizeBytes(tensor.type, tensor.shape);
    if (bytes != tensor.bytes.size()) {
      Fail("tensor {} of shape {} holds {} bytes", QuotedName(tensor.name), ShapeText(tensor.shape),
           tensor.bytes.size());
    }
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) Fail("two tensors cannot both be named {}", QuotedName(*twice));
}

std::string HeaderText(const SafeTensors& file, const std::vector<const SafeTensor*>& order) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!file.metadata.empty()) header[std::string(kMetadataKey)] = file.metadata;
  size_t begin = 0;
  for (const SafeTensor* tensor : order) {
    const size_t end = begin + tensor->bytes.size();
    header[tensor->name] = {{"dtype", ToString(tensor->type)},
                            {"shape", tensor->shape},
                            {"data_offsets", {begin, end}}};
    begin = end;
  }
  try {
    return header.dump();
  } catch (const nlohmann::json::exception&) {
    Fail("a name or metadata of the tensors is no UTF-8 text");
  }
}

std::string LittleEndian(uint64_t value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

template <typename T>
void CheckFiniteAs(const SafeTensor& tensor, const std::string& source) {
  const std::vector<T> values = ValuesOf<T>(tensor);
  const auto bad =
      std::find_if(values.begin(), values.end(), [](T value) { return !std::isfinite(value); });
  if (bad == values.end()) return;
  BadInput("{}: tensor {} holds {} at element {}; its values must be finite", source,
           QuotedName(tensor.name), *bad, bad - values.begin());
}

}  // namespace

std::string_view ToString(SafeType type) {
  switch (type) {
    case SafeType::kU8:
      return "U8";
    case SafeType::kI32:
      return "I32";
    case SafeType::kF32:
      return "F32";
    case SafeType::kF64:
      return "F64";
    case SafeType::kI64:
      return "I64";
  }
  Fail("internal error: no such element type");
}

const SafeTensor* SafeTensors::Find(std::string_view name) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const SafeTensor& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

std::string SerializeSafeTensors(const SafeTensors& file) {
  CheckWritable(file);
  const std::vector<const SafeTensor*> order = InFileOrder(file);
  std::string header = HeaderText(file, order);
  // Spaces after the JSON put the data on an aligned offset.
  header.resize((header.size() + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes, ' ');
  std::string bytes = LittleEndian(header.size()) + header;
  for (const SafeTensor* tensor : order) {
    bytes.append(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  }
  return bytes;
}

void WriteSafeTensors(const std::filesystem::path& path, const SafeTensors& file) {
  WriteFileAtomically(path, SerializeSafeTensors(file));
}

SafeTensors ReadSafeTensors(const std::filesystem::path& path) {
  return ParseSafeTensors(ReadFile(path), path.string());
}

void CheckFinite(const SafeTensors& file, const std::string& source) {
  for (const SafeTensor& tensor : file.tensors) {
    if (tensor.type == SafeType::kF32) CheckFiniteAs<float>(tensor, source);
    if (tensor.type == SafeType::kF64) CheckFiniteAs<double>(tensor, source);
  }
}

std::string ShapeText(std::span<const int64_t> shape) {
  constexpr size_t kLongest = 8;  // more than any network has, so only hostile files are cut
  const auto shown = shape.first(std::min(shape.size(), kLongest));
  return fmt::format("[{}{}]", fmt::join(shown, ", "), shape.size() > kLongest ? ", ..." : "");
}

std::string QuotedName(std::string_view name) {
  constexpr size_t kLongest = 80;
  constexpr bool kAsciiOnly = true;
  const auto replace = nlohmann::json::error_handler_t::replace;
  std::string text =
      nlohmann::json(std::string(name.substr(0, kLongest))).dump(-1, ' ', kAsciiOnly, replace);
  if (name.size() > kLongest) text += "...";
  return text;
}

namespace safetensors_detail {

std::optional<uint64_t> SizeBytes(SafeType type, std::span<const int64_t> shape) {
  uint64_t bytes = type == SafeType::kU8                              ? 1
                   : type == SafeType::kI32 || type == SafeType::kF32 ? 4
                                                                      : 8;
  for (const int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes)) return std::nullopt;
  }
  return bytes;
}

}  // namespace safetensors_detail
}  // namespace numeral
