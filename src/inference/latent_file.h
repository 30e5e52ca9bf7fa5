// Latents in files, so that an image can be drawn again, to the bit.
//
// `.txt` holds one latent, a number per line, in the shortest decimal form that reads back as the
// same float. `.npy` holds float32 [n][size], or [size] for one. Refuses, naming file and line or
// row: other suffixes, a wrong length, what is no number or not finite. Called by `generate`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "util/files.h"

namespace numeral {

// [n][size], n at least 1. `size` is what the generator takes. Throws Error(kBadInput).
std::vector<float> ReadLatents(const std::filesystem::path& file, int64_t size);

// Writes `count` latents as they come; the file appears when it is complete.
class LatentWriter {
 public:
  // Throws Error(kBadInput) for other suffixes, and for several latents to a .txt file.
  LatentWriter(const std::filesystem::path& file, int64_t count, int64_t size);

  // `latents` are [n][size].
  void Write(std::span<const float> latents);
  // All of them must be there.
  void Commit();

 private:
  bool text_;
  int64_t left_;  // numbers
  AtomicFile file_;
};

// The text of a .txt file.
std::string LatentText(std::span<const float> latent);

}  // namespace numeral
