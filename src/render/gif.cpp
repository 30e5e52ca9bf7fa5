#include "render/gif.h"

#include <gd.h>

#include <algorithm>
#include <memory>

#include "util/error.h"

namespace numeral {
namespace {

constexpr int kForever = 0;

struct DestroyImage {
  void operator()(gdImage* image) const { gdImageDestroy(image); }
};
using Image = std::unique_ptr<gdImage, DestroyImage>;

int LevelOf(uint8_t grey) { return (grey * (kGifGreys - 1) + 127) / 255; }

bool SameLevels(const GreyImage& a, const GreyImage& b) {
  return std::equal(a.pixels.begin(), a.pixels.end(), b.pixels.begin(), b.pixels.end(),
                    [](uint8_t x, uint8_t y) { return LevelOf(x) == LevelOf(y); });
}

Image ToGd(const GreyImage& image) {
  Image gd(gdImageCreate(image.width, image.height));
  if (!gd) Fail("libgd cannot hold a picture of {}x{} pixels", image.width, image.height);
  for (int level = 0; level < kGifGreys; ++level) {
    const int grey = 255 * level / (kGifGreys - 1);
    NUMERAL_CHECK(gdImageColorAllocate(gd.get(), grey, grey, grey) == level);
  }
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) gdImagePalettePixel(gd, x, y) = LevelOf(image.At(x, y));
  }
  return gd;
}

// Adds what libgd makes of one part of the file: `part` gives its bytes and their number.
template <typename Part>
void Append(Part&& part, std::string& bytes) {
  int size = 0;
  void* made = part(&size);
  if (made == nullptr) Fail("libgd cannot encode an animation");
  bytes.append(static_cast<const char*>(made), static_cast<size_t>(size));
  gdFree(made);
}

}  // namespace

std::string EncodeGif(std::span<const GifFrame> frames) {
  NUMERAL_CHECK(!frames.empty());
  std::string bytes;
  const Image first = ToGd(frames.front().image);
  Append([&](int* size) { return gdImageGifAnimBeginPtr(first.get(), size, 1, kForever); }, bytes);
  Image previous;
  for (size_t i = 0; i < frames.size(); ++i) {
    const GreyImage& frame = frames[i].image;
    NUMERAL_CHECK(frame.width == gdImageSX(first) && frame.height == gdImageSY(first));
    Image image = ToGd(frame);
    // Only what differs from the frame before is stored; where nothing does, libgd can store
    // nothing, and gets the whole frame.
    const bool same = i > 0 && SameLevels(frame, frames[i - 1].image);
    Append(
        [&](int* size) {
          return gdImageGifAnimAddPtr(image.get(), size, 0, 0, 0, frames[i].hundredths,
                                      gdDisposalNone, same ? nullptr : previous.get());
        },
        bytes);
    previous = std::move(image);
  }
  Append([](int* size) { return gdImageGifAnimEndPtr(size); }, bytes);
  return bytes;
}

}  // namespace numeral
