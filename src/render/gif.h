// An animation as GIF, through libgd: how the same digits change while a generator learns.
//
// Greys become kGifGreys levels, which few eyes tell from 256 and which makes the file a third as
// large. The same frames give the same bytes. Called for the progress of a run.
#pragma once

#include <span>
#include <string>

#include "render/image.h"

namespace numeral {

inline constexpr int kGifGreys = 16;

struct GifFrame {
  GreyImage image;
  int hundredths = 10;  // of a second that it stays
};

// Loops forever. All frames have the first one's size; there is at least one.
// Throws Error(kFailure) when libgd does.
std::string EncodeGif(std::span<const GifFrame> frames);

}  // namespace numeral
