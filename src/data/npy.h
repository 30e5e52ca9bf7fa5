// NumPy's .npy files: one array, its type and shape in a header of text.
//
// Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Reads float32 and float64
// of one or two dimensions, little-endian, in C order; refuses everything else with the file's name
// and what was found. Nothing is allocated for what a header claims. Called by `generate` and
// wherever latents come from files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace numeral {

struct FloatArray {
  std::vector<int64_t> shape;  // one or two dimensions
  std::vector<float> values;
};

// Throws Error(kBadInput).
FloatArray ReadNpyFloats(const std::filesystem::path& file);

// The header of version 1.0 for an array of a NumPy type such as "|u1" or "<f4", as numpy.save
// writes it. The values follow it, the last index fastest.
std::string NpyHeader(const std::string& type, std::initializer_list<int64_t> shape);
std::string ToNpy(std::span<const uint8_t> values, std::initializer_list<int64_t> shape);

}  // namespace numeral
