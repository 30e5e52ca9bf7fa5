// Builds PNG files of a digit, right and wrong ones, for the tests of their reader.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>

#include "data/dataset.h"
#include "tests/data/idx_files.h"

namespace numeral {

inline constexpr int kPngRowBytes = kImageSide + 1;
inline const std::string kPngSignature("\x89PNG\r\n\x1a\n");
inline const std::string kPngEnd("\0\0\0\0IEND\xae\x42\x60\x82", 12);

inline std::string PngChunk(const std::string& type, const std::string& data) {
  const std::string covered = type + data;
  const uLong crc =
      crc32(0, reinterpret_cast<const Bytef*>(covered.data()), static_cast<uInt>(covered.size()));
  return BigEndian({static_cast<uint32_t>(data.size())}) + covered +
         BigEndian({static_cast<uint32_t>(crc)});
}

inline std::string ZlibPacked(const std::string& bytes) {
  uLongf size = compressBound(bytes.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  packed.resize(size);
  return packed;
}

// Deterministic, and every byte value occurs.
inline std::string NoiseBytes(size_t size, uint32_t seed) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    seed = seed * 1664525u + 1013904223u;
    byte = static_cast<char>(seed >> 24);
  }
  return bytes;
}

// 28 rows, each of a filter byte and 28 bytes of noise, of which the bits of `mask` are kept.
// Filter -1 takes all five in turn.
inline std::string PngRows(int filter, int mask = 255) {
  std::string rows = NoiseBytes(kImageSide * kPngRowBytes, 7);
  for (char& byte : rows) byte = static_cast<char>(byte & mask);
  for (int y = 0; y < kImageSide; ++y) {
    rows[static_cast<size_t>(y * kPngRowBytes)] = static_cast<char>(filter < 0 ? y % 5 : filter);
  }
  return rows;
}

inline std::string PngHeader(uint32_t width, uint32_t height, int bits, int colour,
                             int interlace = 0) {
  const char rest[] = {static_cast<char>(bits), static_cast<char>(colour), 0, 0,
                       static_cast<char>(interlace)};
  return PngChunk("IHDR", BigEndian({width, height}) + std::string(rest, 5));
}

inline const std::string kGoodPngHeader = PngHeader(28, 28, 8, 0);

inline std::string Png(const std::string& rows, const std::string& extra = "") {
  return kPngSignature + kGoodPngHeader + extra + PngChunk("IDAT", ZlibPacked(rows)) + kPngEnd;
}

}  // namespace numeral
