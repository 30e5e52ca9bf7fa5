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

namespace numeral {

// [n][size], n at least 1. `size` is what the generator takes. Throws Error(kBadInput).
std::vector<float> ReadLatents(const std::filesystem::path& file, int64_t size);

// `latents` are [n][size]; a file that appears whole or not at all. Throws Error(kBadInput) for
// several latents to a .txt file.
void WriteLatents(const std::filesystem::path& file, std::span<const float> latents, int64_t size);

// The text of a .txt file.
std::string LatentText(std::span<const float> latent);

}  // namespace numeral
