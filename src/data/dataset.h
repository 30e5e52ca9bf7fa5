// A labelled image set in memory, as read from IDX files (LeCun's MNIST format), plain or gzip.
//
// Refuses, with file name and byte offset: wrong magic, counts that do not match between images and
// labels or with the file's real length (short or long), a label above 9, images that are not
// 28x28. Never allocates what a header claims without checking it against the data that is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/spec.h"

namespace numeral {

inline constexpr int kImageSide = 28;
inline constexpr int kImagePixels = kImageSide * kImageSide;

struct Dataset {
  std::string name;             // "mnist train"
  std::vector<uint8_t> pixels;  // [count][28][28], 0 is black
  std::vector<uint8_t> labels;  // [count], 0..9
  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

// Images that "validation" takes from the end of the training set.
inline constexpr int64_t kValidationImages = 10000;

// What IDX files of images and of labels begin with.
inline constexpr uint32_t kIdxImageMagic = 0x803, kIdxLabelMagic = 0x801;
// A bound on what a small gzip file can unpack to; the largest MNIST-like set has 8.1 million
// images.
inline constexpr int64_t kMostIdxImages = 10'000'000;

// What the files of a split are called: those of "test", or of "train" and its parts.
struct IdxNames {
  std::string images, labels;
};
IdxNames IdxNamesOf(const std::string& split);

// Reads one pair of IDX files. Throws Error(kBadInput).
Dataset ReadIdxPair(const std::filesystem::path& images, const std::filesystem::path& labels);

// Finds `<dir>/<set>/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]` (and the same directly in
// `dir`), reads it, applies spec.digits and spec.limit. Where files are missing the message names
// the command that fetches them. A filter or limit that leaves no image is refused, and so is
// "fit" or "validation" of a training set that holds no more than kValidationImages.
Dataset LoadDataset(const DataSpec& spec, const std::filesystem::path& dir);

// The split on which training on `split` is tested: "test" for "train", "validation" for "fit";
// empty for the others.
std::string HeldOutSplit(const std::string& split);

// --data-dir if given, else $NUMERAL_DATA, else "data".
std::filesystem::path DataDir(const std::string& option);

}  // namespace numeral
