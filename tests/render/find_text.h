// Where a text stands in a picture, found with libgd's own drawing of it.
#pragma once

#include <gd.h>
#include <gdfontl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "render/image.h"

namespace numeral {

struct TextPlace {
  int left, top;
  bool operator==(const TextPlace&) const = default;
};

// The strokes of `text` in its box: 1 on a stroke, 0 beside it. `upwards` turns it to the left.
inline GreyImage Strokes(const std::string& text, bool upwards) {
  gdFont* font = gdFontGetLarge();
  const int length = static_cast<int>(text.size()) * font->w;
  GreyImage box{upwards ? font->h : length, upwards ? length : font->h, {}};
  const std::unique_ptr<gdImage, decltype(&gdImageDestroy)> gd(gdImageCreate(box.width, box.height),
                                                               gdImageDestroy);
  gdImageColorAllocate(gd.get(), 0, 0, 0);
  const int ink = gdImageColorAllocate(gd.get(), 255, 255, 255);
  std::vector<unsigned char> bytes(text.begin(), text.end());
  bytes.push_back('\0');
  if (upwards) {
    gdImageStringUp(gd.get(), font, 0, length - 1, bytes.data(), ink);
  } else {
    gdImageString(gd.get(), font, 0, 0, bytes.data(), ink);
  }
  for (int y = 0; y < box.height; ++y) {
    for (int x = 0; x < box.width; ++x) {
      box.pixels.push_back(gdImageGetPixel(gd.get(), x, y) == ink);
    }
  }
  return box;
}

// All places in the picture where the strokes of `text`, and nothing else in its box, are `grey`.
inline std::vector<TextPlace> FindText(const GreyImage& picture, const std::string& text,
                                       uint8_t grey, bool upwards = false) {
  const GreyImage box = Strokes(text, upwards);
  const auto stands_at = [&](int left, int top) {
    for (int y = 0; y < box.height; ++y) {
      for (int x = 0; x < box.width; ++x) {
        if ((box.At(x, y) != 0) != (picture.At(left + x, top + y) == grey)) return false;
      }
    }
    return true;
  };
  std::vector<TextPlace> places;
  for (int top = 0; top + box.height <= picture.height; ++top) {
    for (int left = 0; left + box.width <= picture.width; ++left) {
      if (stands_at(left, top)) places.push_back({left, top});
    }
  }
  return places;
}

}  // namespace numeral
