// A labelled image set as IDX files, written as the images come.
//
// Owns: the two files of a split. They appear when both are complete; before, they are temporaries.
// Refuses to write where a data set is already. Called by `generate`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "util/files.h"

namespace numeral {

// Throws Error(kBadInput) where LoadDataset would find a data set in `folder`, of any split.
void CheckNoDataset(const std::filesystem::path& folder);

class IdxWriter {
 public:
  // `split` is "train" or "test". Nothing is checked beyond that the files can be opened.
  IdxWriter(const std::filesystem::path& folder, const std::string& split, int64_t count);

  // `pixels` are [n][28][28], `digits` [n], 0 to 9.
  void Write(std::span<const uint8_t> pixels, std::span<const int32_t> digits);
  // All `count` images must be there.
  void Commit();

 private:
  int64_t left_;
  AtomicFile images_, labels_;
};

}  // namespace numeral
