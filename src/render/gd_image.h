// Grey pictures as libgd holds them. Internal to render/.
#pragma once

#include <memory>

#include "render/image.h"

struct gdImageStruct;

namespace numeral {

struct DestroyGdImage {
  void operator()(gdImageStruct* image) const;
};
using GdImage = std::unique_ptr<gdImageStruct, DestroyGdImage>;

// A palette of `greys` even steps from black to white, at most 256, so that index i is the i-th of
// them; each pixel becomes the nearest. Throws Error(kFailure) where there is no room.
GdImage ToGd(const GreyImage& image, int greys);

// Of one grey.
int GreyLevel(uint8_t grey, int greys);

}  // namespace numeral
