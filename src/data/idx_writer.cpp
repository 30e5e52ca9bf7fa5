#include "data/idx_writer.h"

#include <array>

#include "data/dataset.h"
#include "util/error.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::string Header(std::initializer_list<uint32_t> words) {
  std::string bytes;
  for (const uint32_t word : words) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(word >> shift & 0xff);
  }
  return bytes;
}

}  // namespace

void CheckNoDataset(const fs::path& folder) {
  for (const char* set : {"", "mnist", "fashion"}) {
    for (const char* split : {"train", "test"}) {
      const IdxNames names = IdxNamesOf(split);
      for (const std::string& name : {names.images, names.labels}) {
        for (const char* suffix : {"", ".gz"}) {
          const fs::path file = folder / set / (name + suffix);
          if (fs::exists(file)) BadInput("{} is there already; name another folder", file.string());
        }
      }
    }
  }
}

IdxWriter::IdxWriter(const fs::path& folder, const std::string& split, int64_t count)
    : left_(count),
      images_(folder / IdxNamesOf(split).images),
      labels_(folder / IdxNamesOf(split).labels) {
  NUMERAL_CHECK(count > 0 && count <= kMostIdxImages);
  const auto images = static_cast<uint32_t>(count);
  images_.Write(Header({kIdxImageMagic, images, kImageSide, kImageSide}));
  labels_.Write(Header({kIdxLabelMagic, images}));
}

void IdxWriter::Write(std::span<const uint8_t> pixels, std::span<const int32_t> digits) {
  NUMERAL_CHECK(pixels.size() == digits.size() * kImagePixels);
  std::string labels;
  for (const int32_t digit : digits) {
    NUMERAL_CHECK(digit >= 0 && digit < kDigits);
    labels += static_cast<char>(digit);
  }
  left_ -= static_cast<int64_t>(digits.size());
  images_.Write({reinterpret_cast<const char*>(pixels.data()), pixels.size()});
  labels_.Write(labels);
}

void IdxWriter::Commit() {
  NUMERAL_CHECK(left_ == 0);
  images_.Commit();
  labels_.Commit();
}

}  // namespace numeral
