// The IDX format: big-endian uint32 magic (0x08 for bytes, then the rank), one uint32 per
// dimension, then the data. yann.lecun.com/exdb/mnist describes it.
#include <algorithm>
#include <array>

#include "data/byte_stream.h"
#include "data/dataset.h"
#include "util/error.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kImageHeaderBytes = 16;
constexpr int64_t kLabelHeaderBytes = 8;
constexpr size_t kChunkBytes = size_t{1} << 20;

template <size_t kWords>
std::array<uint32_t, kWords> ReadHeader(ByteStream& stream, const fs::path& file) {
  std::array<uint8_t, 4 * kWords> bytes;
  if (const size_t got = stream.Read(bytes); got < bytes.size()) {
    BadInput("{}: ends at byte {}, inside the {} bytes of its header; fetch the file again",
             file.string(), got, bytes.size());
  }
  std::array<uint32_t, kWords> words;
  for (size_t i = 0; i < kWords; ++i) {
    const uint8_t* b = &bytes[4 * i];
    words[i] = uint32_t{b[0]} << 24 | uint32_t{b[1]} << 16 | uint32_t{b[2]} << 8 | uint32_t{b[3]};
  }
  return words;
}

void CheckMagic(const fs::path& file, uint32_t magic, uint32_t expected, std::string_view what) {
  if (magic == expected) return;
  BadInput("{}: magic number {:#010x} at byte 0; an IDX file of {} starts with {:#010x}",
           file.string(), magic, what, expected);
}

void CheckCount(const fs::path& file, int64_t count, std::string_view what) {
  if (count <= kMostIdxImages) return;
  BadInput("{}: the header claims {} {} at byte 4; more than {} are not accepted", file.string(),
           count, what, kMostIdxImages);
}

// The size of a plain file is known before its data is read or memory for it is asked.
void CheckSize(const ByteStream& stream, const fs::path& file, int64_t expected_bytes) {
  const int64_t size_bytes = stream.size_bytes().value_or(expected_bytes);
  if (size_bytes == expected_bytes) return;
  BadInput(
      "{}: the header promises an end at byte {}, but the file ends at byte {}; fetch it again",
      file.string(), expected_bytes, size_bytes);
}

// Reads the data after a header. Memory grows with the data that is there, chunk by chunk, and the
// first byte beyond the promised end is refused.
std::vector<uint8_t> ReadData(ByteStream& stream, const fs::path& file, int64_t header_bytes,
                              int64_t data_bytes) {
  CheckSize(stream, file, header_bytes + data_bytes);
  const auto wanted = static_cast<size_t>(data_bytes);
  std::vector<uint8_t> data;
  if (stream.size_bytes()) data.reserve(wanted);
  while (data.size() < wanted) {
    const size_t start = data.size();
    const size_t chunk = std::min(kChunkBytes, wanted - start);
    data.resize(start + chunk);
    const size_t got = stream.Read(std::span(data).subspan(start));
    if (got < chunk) {
      BadInput(
          "{}: the header promises {} bytes, but the unpacked data ends at byte {}; fetch it again",
          file.string(), header_bytes + data_bytes, header_bytes + start + got);
    }
  }
  std::array<uint8_t, 1> extra;
  if (stream.Read(extra) != 0) {
    BadInput("{}: the unpacked data goes on after byte {}, where the header promises its end",
             file.string(), header_bytes + data_bytes);
  }
  return data;
}

std::vector<uint8_t> ReadLabels(const fs::path& file) {
  ByteStream stream(file);
  const auto [magic, count] = ReadHeader<2>(stream, file);
  CheckMagic(file, magic, kIdxLabelMagic, "labels");
  CheckCount(file, count, "labels");
  std::vector<uint8_t> labels = ReadData(stream, file, kLabelHeaderBytes, count);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < kDigits) continue;
    BadInput("{}: label {} at byte {}; labels are 0 to 9", file.string(), labels[i],
             kLabelHeaderBytes + i);
  }
  return labels;
}

std::vector<uint8_t> ReadImages(const fs::path& file, const fs::path& labels_file, size_t labels) {
  ByteStream stream(file);
  const auto [magic, count, rows, columns] = ReadHeader<4>(stream, file);
  CheckMagic(file, magic, kIdxImageMagic, "images");
  CheckCount(file, count, "images");
  if (rows != kImageSide || columns != kImageSide) {
    BadInput("{}: images of {}x{} pixels at byte 8; they must be 28x28", file.string(), rows,
             columns);
  }
  const int64_t data_bytes = int64_t{count} * kImagePixels;
  CheckSize(stream, file, kImageHeaderBytes + data_bytes);
  if (count != labels) {
    BadInput("{} has {} images (byte 4), but {} has {} labels", file.string(), count,
             labels_file.string(), labels);
  }
  return ReadData(stream, file, kImageHeaderBytes, data_bytes);
}

}  // namespace

Dataset ReadIdxPair(const fs::path& images, const fs::path& labels) {
  Dataset data;
  data.name = images.filename().string();
  // Labels first: they are small, and bound how many images are read.
  data.labels = ReadLabels(labels);
  data.pixels = ReadImages(images, labels, data.labels.size());
  return data;
}

}  // namespace numeral
