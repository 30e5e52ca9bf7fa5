// What the reader and the writer of safetensors share. Internal to checkpoint/.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "checkpoint/safetensors.h"

namespace numeral::safetensors_detail {

inline constexpr std::string_view kMetadataKey = "__metadata__";
inline constexpr uint64_t kLengthBytes = 8;
inline constexpr size_t kAlignmentBytes = 8;
inline constexpr uint64_t kLongestHeaderBytes = 100'000'000;  // as the reference implementation

// Nothing for a negative extent or a product beyond 64 bits.
std::optional<uint64_t> SizeBytes(SafeType type, std::span<const int64_t> shape);

}  // namespace numeral::safetensors_detail
