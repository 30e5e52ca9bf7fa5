// A picture as PNG, and back, through libgd. The same picture gives the same bytes: no time, no
// program's name.
//
// Called by whatever writes or shows sample pictures.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "render/image.h"

namespace numeral {

// The bytes of an 8-bit PNG. Throws Error(kFailure) when libgd does.
std::string EncodePng(const GreyImage& image);

// The picture of a PNG; colours become grey. Throws Error(kBadInput) where the bytes are none.
GreyImage DecodePng(std::string_view bytes);

// A file that appears whole or not at all.
void WritePng(const std::filesystem::path& path, const GreyImage& image);

}  // namespace numeral
