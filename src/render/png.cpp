#include "render/png.h"

#include <gd.h>

#include <cstdarg>
#include <memory>

#include "render/gd_image.h"
#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

constexpr int kCompressionLevel = 9;  // pictures are small and kept

struct FreeBytes {
  void operator()(void* bytes) const { gdFree(bytes); }
};

}  // namespace

std::string EncodePng(const GreyImage& image) {
  const GdImage gd = ToGd(image, gdMaxColors);  // indices are pixel values
  int size = 0;
  const std::unique_ptr<void, FreeBytes> bytes(gdImagePngPtrEx(gd.get(), &size, kCompressionLevel));
  if (!bytes) Fail("libgd cannot encode a picture of {}x{} pixels", image.width, image.height);
  return {static_cast<const char*>(bytes.get()), static_cast<size_t>(size)};
}

GreyImage DecodePng(std::string_view bytes) {
  // libgd would write its complaints to standard error.
  gdSetErrorMethod([](int, const char*, va_list) {});
  // Its reader takes, and leaves alone, what is not const.
  const GdImage gd(
      gdImageCreateFromPngPtr(static_cast<int>(bytes.size()), const_cast<char*>(bytes.data())));
  gdClearErrorMethod();
  if (!gd) BadInput("not a PNG that can be read");
  GreyImage image{gdImageSX(gd), gdImageSY(gd), {}};
  image.pixels.reserve(static_cast<size_t>(image.width) * static_cast<size_t>(image.height));
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const int color = gdImageGetTrueColorPixel(gd.get(), x, y);
      const int sum =
          gdTrueColorGetRed(color) + gdTrueColorGetGreen(color) + gdTrueColorGetBlue(color);
      image.pixels.push_back(static_cast<uint8_t>((sum + 1) / 3));
    }
  }
  return image;
}

void WritePng(const std::filesystem::path& path, const GreyImage& image) {
  WriteFileAtomically(path, EncodePng(image));
}

}  // namespace numeral
