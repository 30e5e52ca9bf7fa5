#include "render/gd_image.h"

#include <gd.h>

#include "util/error.h"

namespace numeral {

void DestroyGdImage::operator()(gdImageStruct* image) const { gdImageDestroy(image); }

int GreyLevel(uint8_t grey, int greys) { return (grey * (greys - 1) + 127) / 255; }

GdImage ToGd(const GreyImage& image, int greys) {
  GdImage gd(gdImageCreate(image.width, image.height));
  if (!gd) Fail("libgd cannot hold a picture of {}x{} pixels", image.width, image.height);
  for (int level = 0; level < greys; ++level) {
    const int grey = 255 * level / (greys - 1);
    NUMERAL_CHECK(gdImageColorAllocate(gd.get(), grey, grey, grey) == level);
  }
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      gdImagePalettePixel(gd, x, y) = GreyLevel(image.At(x, y), greys);
    }
  }
  return gd;
}

}  // namespace numeral
