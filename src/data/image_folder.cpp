#include "data/image_folder.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "data/byte_stream.h"
#include "util/error.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

using Bytes = std::span<const uint8_t>;

constexpr std::array<uint8_t, 8> kSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr size_t kHeaderBytes = 13;
constexpr size_t kChunkFrameBytes = 12;  // length and type before the data, CRC after it
constexpr size_t kPaletteBytes = 3 * 256;
// A digit takes less than 1 KiB; the rest is room for what programs note about a picture.
constexpr int64_t kMaxFileBytes = 1 << 20;
constexpr int kRowBytes = 1 + kImageSide;  // the filter, then the pixels
constexpr const char* kWanted = "8-bit grey of 28x28 is wanted";

// Colour types of the header.
constexpr uint8_t kGrey = 0;
constexpr uint8_t kPalette = 3;

struct Header {
  uint32_t width, height;
  uint8_t bit_depth, colour, compression, filter, interlace;
};

struct Chunk {
  std::string_view type;
  Bytes data;
};

uint32_t BigEndian(Bytes b) {
  return uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
}

std::vector<uint8_t> ReadSmallFile(const fs::path& file) {
  ByteStream stream(file);
  // Unknown for gzip, which the stream would unpack.
  const int64_t size_bytes = stream.size_bytes().value_or(0);
  if (size_bytes > kMaxFileBytes) {
    BadInput("{} has {} bytes, more than any PNG of a digit; {}", file.string(), size_bytes,
             kWanted);
  }
  std::vector<uint8_t> bytes(static_cast<size_t>(size_bytes));
  bytes.resize(stream.Read(bytes));
  return bytes;
}

// Returns the chunk at byte `at` and moves `at` past it.
Chunk NextChunk(const fs::path& file, Bytes bytes, size_t& at) {
  const size_t left = bytes.size() - at;
  const size_t length = left < kChunkFrameBytes ? 0 : BigEndian(bytes.subspan(at));
  if (left < kChunkFrameBytes || length > left - kChunkFrameBytes) {
    BadInput("{} is cut off or corrupt: the chunk at byte {} needs {} bytes and has {}",
             file.string(), at, kChunkFrameBytes + length, left);
  }
  const Bytes covered = bytes.subspan(at + 4, 4 + length);  // by the CRC
  const uint32_t crc = BigEndian(bytes.subspan(at + 8 + length));
  if (crc32(0, covered.data(), static_cast<uInt>(covered.size())) != crc) {
    BadInput("{} is corrupt: wrong CRC of the chunk at byte {}", file.string(), at);
  }
  at += kChunkFrameBytes + length;
  return {{reinterpret_cast<const char*>(covered.data()), 4}, covered.subspan(4)};
}

std::string ColourName(uint8_t colour) {
  switch (colour) {
    case kGrey:
      return "grey";
    case 2:
      return "RGB";
    case kPalette:
      return "palette";
    case 4:
      return "grey and alpha";
    case 6:
      return "RGBA";
    default:
      return fmt::format("colour type {}", colour);
  }
}

[[noreturn]] void RefuseKind(const fs::path& file, const Header& header, std::string_view with) {
  BadInput("{} is a {}x{} {}-bit {} PNG{}; {}", file.string(), header.width, header.height,
           header.bit_depth, ColourName(header.colour), with, kWanted);
}

// Looks at the signature and the first chunk only: what passes has a known, small size.
Header ReadHeader(const fs::path& file, Bytes bytes, size_t& at) {
  if (bytes.size() < kSignature.size() ||
      !std::equal(kSignature.begin(), kSignature.end(), bytes.begin())) {
    BadInput("{} is not a PNG; {}", file.string(), kWanted);
  }
  at = kSignature.size();
  const auto [type, data] = NextChunk(file, bytes, at);
  if (type != "IHDR" || data.size() != kHeaderBytes) {
    BadInput("{} is corrupt: no PNG header at byte {}", file.string(), kSignature.size());
  }
  const Header header{
      BigEndian(data), BigEndian(data.subspan(4)), data[8], data[9], data[10], data[11], data[12]};
  if (header.width != kImageSide || header.height != kImageSide || header.bit_depth != 8 ||
      (header.colour != kGrey && header.colour != kPalette)) {
    RefuseKind(file, header, "");
  }
  if (header.interlace != 0) RefuseKind(file, header, " with interlacing");
  if (header.compression != 0 || header.filter != 0) {
    RefuseKind(file, header, " with an unknown compression or filter method");
  }
  return header;
}

// Then the palette's indices are grey values.
bool IsGreyRamp(Bytes palette) {
  if (palette.size() != kPaletteBytes) return false;
  for (size_t i = 0; i < kPaletteBytes; ++i) {
    if (palette[i] != i / 3) return false;
  }
  return true;
}

// Returns the compressed pixels, once everything else in the file is as it should be.
std::vector<uint8_t> PackedPixels(const fs::path& file, Bytes bytes) {
  size_t at = 0;
  const Header header = ReadHeader(file, bytes, at);
  bool indices_are_greys = header.colour == kGrey;
  std::vector<uint8_t> packed;
  while (true) {
    const size_t start = at;
    const auto [type, data] = NextChunk(file, bytes, at);
    if (type == "IEND") break;
    if (type == "IDAT") {
      packed.insert(packed.end(), data.begin(), data.end());
    } else if (type == "PLTE") {
      indices_are_greys = header.colour == kGrey || IsGreyRamp(data);
    } else if (type == "tRNS") {
      RefuseKind(file, header, " with transparency");
    } else if (const bool ancillary = type[0] >= 'a' && type[0] <= 'z'; !ancillary) {
      BadInput("{} is corrupt: unknown chunk at byte {}", file.string(), start);
    }
  }
  if (at != bytes.size()) {
    BadInput("{} is corrupt: it goes on after its end at byte {}", file.string(), at);
  }
  if (!indices_are_greys) RefuseKind(file, header, "");
  return packed;
}

std::array<uint8_t, kImageSide * kRowBytes> Unpack(const fs::path& file, Bytes packed) {
  std::array<uint8_t, kImageSide * kRowBytes> rows;
  uLongf unpacked_bytes = rows.size();
  uLong used_bytes = packed.size();
  const int code = uncompress2(rows.data(), &unpacked_bytes, packed.data(), &used_bytes);
  if (code != Z_OK || unpacked_bytes != rows.size() || used_bytes != packed.size()) {
    BadInput("{} is corrupt: its pixels do not unpack to {} rows of {} bytes", file.string(),
             kImageSide, kRowBytes);
  }
  return rows;
}

// The neighbour nearest to left + up - corner; ties in the order of the arguments.
int Paeth(int left, int up, int corner) {
  const int to_left = std::abs(up - corner), to_up = std::abs(left - corner);
  const int to_corner = std::abs(left + up - 2 * corner);
  if (to_left <= to_up && to_left <= to_corner) return left;
  return to_up <= to_corner ? up : corner;
}

// What a row's filter took from a pixel, computed from the pixels beside it.
int Prediction(int filter, int left, int up, int corner) {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) / 2;
    case 4:
      return Paeth(left, up, corner);
    default:
      return 0;
  }
}

// Pixels beyond the left and upper edges count as 0.
std::vector<uint8_t> UndoFilters(const fs::path& file, Bytes rows) {
  std::vector<uint8_t> pixels(kImagePixels);
  const auto pixel = [&](int y, int x) -> uint8_t& {
    return pixels[static_cast<size_t>(y * kImageSide + x)];
  };
  for (int y = 0; y < kImageSide; ++y) {
    const Bytes row = rows.subspan(static_cast<size_t>(y * kRowBytes), kRowBytes);
    if (row[0] > 4) BadInput("{} is corrupt: unknown filter {}", file.string(), row[0]);
    for (int x = 0; x < kImageSide; ++x) {
      const int left = x > 0 ? pixel(y, x - 1) : 0, up = y > 0 ? pixel(y - 1, x) : 0;
      const int corner = x > 0 && y > 0 ? pixel(y - 1, x - 1) : 0;
      const int value = row[static_cast<size_t>(x + 1)] + Prediction(row[0], left, up, corner);
      pixel(y, x) = static_cast<uint8_t>(value);
    }
  }
  return pixels;
}

std::vector<fs::path> SortedEntries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  if (error) BadInput("cannot read {}: {}", folder.string(), error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

void AppendPictures(const fs::path& folder, uint8_t digit, Dataset& data) {
  for (const fs::path& entry : SortedEntries(folder)) {
    if (entry.extension() == ".png") {
      const std::vector<uint8_t> pixels = ReadDigitPng(entry);
      data.pixels.insert(data.pixels.end(), pixels.begin(), pixels.end());
      data.labels.push_back(digit);
    } else if (std::error_code ignored; fs::is_directory(entry, ignored)) {
      BadInput("{} is a folder within the folder of a digit; move it elsewhere", entry.string());
    }
  }
}

}  // namespace

std::vector<uint8_t> ReadDigitPng(const fs::path& file) {
  const std::vector<uint8_t> bytes = ReadSmallFile(file);
  return UndoFilters(file, Unpack(file, PackedPixels(file, bytes)));
}

Dataset LoadImageFolder(const fs::path& dir) {
  Dataset data;
  data.name = dir.string();
  for (const fs::path& entry : SortedEntries(dir)) {
    std::error_code error;
    const bool is_folder = fs::is_directory(entry, error);
    if (error) BadInput("cannot read {}: {}", entry.string(), error.message());
    if (!is_folder) continue;
    const std::string name = entry.filename().string();
    if (name.size() != 1 || name[0] < '0' || name[0] > '9') {
      BadInput("{} is a folder that names no digit; pictures are read from {} to {}",
               entry.string(), (dir / "0").string(), (dir / "9").string());
    }
    AppendPictures(entry, static_cast<uint8_t>(name[0] - '0'), data);
  }
  if (data.count() == 0) {
    BadInput("{} has no pictures of digits; they are read from {} to {}", dir.string(),
             (dir / "0" / "*.png").string(), (dir / "9" / "*.png").string());
  }
  return data;
}

}  // namespace numeral
