#include "render/png.h"

#include <gd.h>

#include <memory>

#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

constexpr int kCompressionLevel = 9;  // pictures are small and kept

struct DestroyImage {
  void operator()(gdImage* image) const { gdImageDestroy(image); }
};
struct FreeBytes {
  void operator()(void* bytes) const { gdFree(bytes); }
};

// A palette of 256 greys in order, so that indices are pixel values.
std::unique_ptr<gdImage, DestroyImage> ToGd(const GreyImage& image) {
  std::unique_ptr<gdImage, DestroyImage> gd(gdImageCreate(image.width, image.height));
  if (!gd) Fail("libgd cannot hold a picture of {}x{} pixels", image.width, image.height);
  for (int grey = 0; grey < gdMaxColors; ++grey) {
    NUMERAL_CHECK(gdImageColorAllocate(gd.get(), grey, grey, grey) == grey);
  }
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) gdImagePalettePixel(gd, x, y) = image.At(x, y);
  }
  return gd;
}

}  // namespace

std::string EncodePng(const GreyImage& image) {
  const auto gd = ToGd(image);
  int size = 0;
  const std::unique_ptr<void, FreeBytes> bytes(gdImagePngPtrEx(gd.get(), &size, kCompressionLevel));
  if (!bytes) Fail("libgd cannot encode a picture of {}x{} pixels", image.width, image.height);
  return {static_cast<const char*>(bytes.get()), static_cast<size_t>(size)};
}

void WritePng(const std::filesystem::path& path, const GreyImage& image) {
  WriteFileAtomically(path, EncodePng(image));
}

}  // namespace numeral
