// Builds safetensors files by hand, right and wrong ones.
#pragma once

#include <cstdint>
#include <string>

namespace numeral {

inline std::string LengthBytes(uint64_t length) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(length >> shift & 0xff);
  return bytes;
}

// A header, not padded, and so many zero bytes of data.
inline std::string SafeTensorsBytes(const std::string& header, size_t data_bytes) {
  return LengthBytes(header.size()) + header + std::string(data_bytes, '\0');
}

}  // namespace numeral
