// A picture as PNG, through libgd. The same picture gives the same bytes: no time, no program's
// name.
//
// Called by whatever writes sample pictures.
#pragma once

#include <filesystem>
#include <string>

#include "render/image.h"

namespace numeral {

// The bytes of an 8-bit PNG. Throws Error(kFailure) when libgd does.
std::string EncodePng(const GreyImage& image);

// A file that appears whole or not at all.
void WritePng(const std::filesystem::path& path, const GreyImage& image);

}  // namespace numeral
