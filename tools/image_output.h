// Where the images of `generate` go: one kind of output each.
//
// Images come in parts, so that only pictures must fit into memory. Nothing appears before Finish.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "inference/digit_source.h"
#include "render/grid.h"
#include "render/number.h"

namespace numeral {

class ImageOutput {
 public:
  virtual ~ImageOutput() = default;
  virtual void Add(const DrawnDigits& images) = 0;
  virtual void Finish() = 0;
};

// All images in one picture.
std::unique_ptr<ImageOutput> GridOutput(const std::filesystem::path& file,
                                        const GridLayout& layout);
// One number as a picture, or as an array uint8 [height][width].
std::unique_ptr<ImageOutput> NumberOutput(const std::filesystem::path& file,
                                          const NumberLayout& layout, bool array);
// uint8 [count][28][28], and DigitsBeside it [count] where the digits are known.
std::filesystem::path DigitsBeside(const std::filesystem::path& file);
std::unique_ptr<ImageOutput> NpyOutput(const std::filesystem::path& file, int64_t count,
                                       bool digits);
// A data set: the first `train` images, then `test` ones. The folder must hold none.
std::unique_ptr<ImageOutput> IdxOutput(const std::filesystem::path& folder, int64_t train,
                                       int64_t test);
// <folder>/<digit>/<nnn>.png, the latent beside it as .txt. Digit folders must not have pictures.
// Files appear one by one.
std::unique_ptr<ImageOutput> FolderOutput(const std::filesystem::path& folder, int64_t per_digit,
                                          int64_t latent_size);
// The latents, .npy for any number of them, .txt for one.
std::unique_ptr<ImageOutput> LatentsOutput(const std::filesystem::path& file, int64_t count,
                                           int64_t latent_size);

}  // namespace numeral
