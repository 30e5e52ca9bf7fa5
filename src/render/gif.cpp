#include "render/gif.h"

#include <gd.h>

#include <algorithm>

#include "render/gd_image.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int kForever = 0;

bool SameLevels(const GreyImage& a, const GreyImage& b) {
  return std::equal(
      a.pixels.begin(), a.pixels.end(), b.pixels.begin(), b.pixels.end(),
      [](uint8_t x, uint8_t y) { return GreyLevel(x, kGifGreys) == GreyLevel(y, kGifGreys); });
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
  const GdImage first = ToGd(frames.front().image, kGifGreys);
  Append([&](int* size) { return gdImageGifAnimBeginPtr(first.get(), size, 1, kForever); }, bytes);
  GdImage previous;
  for (size_t i = 0; i < frames.size(); ++i) {
    const GreyImage& frame = frames[i].image;
    NUMERAL_CHECK(frame.width == gdImageSX(first) && frame.height == gdImageSY(first));
    GdImage image = ToGd(frame, kGifGreys);
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
