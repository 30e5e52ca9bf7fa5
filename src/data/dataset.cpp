#include "data/dataset.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "util/error.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

void CheckSpec(const DataSpec& spec) {
  if (spec.dataset != "mnist" && spec.dataset != "fashion") {
    BadInput("dataset \"{}\" is not known; use \"mnist\" or \"fashion\"", spec.dataset);
  }
  constexpr std::array<std::string_view, 4> kSplits{"train", "test", "fit", "validation"};
  if (std::find(kSplits.begin(), kSplits.end(), spec.split) == kSplits.end()) {
    BadInput("split \"{}\" is not known; use one of {}", spec.split, fmt::join(kSplits, ", "));
  }
  if (spec.limit < 0) BadInput("limit {} is negative; use 0 for all images", spec.limit);
  for (int digit : spec.digits) {
    if (digit < 0 || digit >= kDigits) BadInput("digit {} is not one of 0 to 9", digit);
  }
}

std::optional<fs::path> PlainOrPacked(const fs::path& plain) {
  std::error_code ignored;  // what cannot be looked at counts as missing
  if (fs::exists(plain, ignored)) return plain;
  const fs::path packed = plain.string() + ".gz";
  if (fs::exists(packed, ignored)) return packed;
  return std::nullopt;
}

// Both files of a pair come from one folder, so that two sets are never mixed.
Dataset ReadSplit(const DataSpec& spec, const fs::path& dir) {
  const IdxNames names = IdxNamesOf(spec.split);
  for (const fs::path& folder : {dir / spec.dataset, dir}) {
    const auto images = PlainOrPacked(folder / names.images);
    const auto labels = PlainOrPacked(folder / names.labels);
    if (images && labels) return ReadIdxPair(*images, *labels);
  }
  BadInput(
      "{} is missing {} or {} (or their .gz); run tools/fetch_data.sh {}, which fills data/, or "
      "name the data folder with --data-dir or NUMERAL_DATA",
      (dir / spec.dataset).string(), names.images, names.labels, spec.dataset);
}

// Cuts a training set into what "fit" and "validation" mean.
void TakePart(const std::string& split, Dataset& data) {
  if (split != "fit" && split != "validation") return;
  const int64_t fit = data.count() - kValidationImages;
  if (fit <= 0) {
    BadInput("the split \"{}\" needs more than {} training images, there are {}", split,
             kValidationImages, data.count());
  }
  if (split == "fit") {
    data.labels.resize(static_cast<size_t>(fit));
    data.pixels.resize(static_cast<size_t>(fit * kImagePixels));
  } else {
    data.labels.erase(data.labels.begin(), data.labels.begin() + fit);
    data.pixels.erase(data.pixels.begin(), data.pixels.begin() + fit * kImagePixels);
  }
}

// Keeps the first `limit` images of the wanted digits, in file order.
void Select(const DataSpec& spec, Dataset& data) {
  std::array<bool, kDigits> wanted;
  wanted.fill(spec.digits.empty());
  for (int digit : spec.digits) wanted[static_cast<size_t>(digit)] = true;
  const int64_t limit = spec.limit == 0 ? data.count() : std::min(spec.limit, data.count());

  int64_t kept = 0;
  for (int64_t i = 0; i < data.count() && kept < limit; ++i) {
    const uint8_t label = data.labels[static_cast<size_t>(i)];
    if (!wanted[label]) continue;
    if (kept != i) {
      std::copy_n(data.pixels.begin() + i * kImagePixels, kImagePixels,
                  data.pixels.begin() + kept * kImagePixels);
      data.labels[static_cast<size_t>(kept)] = label;
    }
    ++kept;
  }
  data.labels.resize(static_cast<size_t>(kept));
  data.pixels.resize(static_cast<size_t>(kept) * kImagePixels);
  data.labels.shrink_to_fit();
  data.pixels.shrink_to_fit();
}

}  // namespace

Dataset LoadDataset(const DataSpec& spec, const fs::path& dir) {
  CheckSpec(spec);
  Dataset data = ReadSplit(spec, dir);
  data.name = spec.dataset + " " + spec.split;
  if (data.count() == 0) BadInput("{} in {} has no images", data.name, dir.string());
  TakePart(spec.split, data);
  Select(spec, data);
  if (data.count() == 0) {
    BadInput("{} in {} has no image of digits [{}]", data.name, dir.string(),
             fmt::join(spec.digits, ", "));
  }
  return data;
}

IdxNames IdxNamesOf(const std::string& split) {
  const std::string prefix = split == "test" ? "t10k" : "train";
  return {prefix + "-images-idx3-ubyte", prefix + "-labels-idx1-ubyte"};
}

std::string HeldOutSplit(const std::string& split) {
  if (split == "train") return "test";
  return split == "fit" ? "validation" : "";
}

fs::path DataDir(const std::string& option) {
  if (!option.empty()) return option;
  const char* variable = std::getenv("NUMERAL_DATA");
  return variable != nullptr && *variable != '\0' ? variable : "data";
}

}  // namespace numeral
