// Labelled digits from a folder of pictures: DIR/<digit>/*.png, <digit> being 0 to 9.
//
// Reads 8-bit grey PNG of exactly 28x28, of colour type grey or of the palette of all greys in
// order that libgd, and so render/png.h, gives a grey picture. Refuses, with the file's name and
// what was found: every other kind of PNG (other sizes, bit depths, colours, transparency,
// interlacing), files that are corrupt, cut off or no PNG, and folders that name no digit. Nothing
// is allocated for what a header claims. Called by whatever judges digits that lie on disk.
//
// The format is read here and not by a library: libgd's reader has libpng write warnings to stderr,
// which no caller can turn off. See www.w3.org/TR/png-3.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/dataset.h"

namespace numeral {

// The pictures of the digits that have a folder, one at least, in the order of their paths: by
// digit, then by file name, byte by byte ("10.png" before "2.png"). Other files are ignored; a
// folder that is not named after a digit, or that lies in a digit's folder, is refused. The data
// set bears the name of the folder. Throws Error(kBadInput).
Dataset LoadImageFolder(const std::filesystem::path& dir);

// The pixels [28][28] as they stand in the file, 0 is black. Throws Error(kBadInput).
std::vector<uint8_t> ReadDigitPng(const std::filesystem::path& file);

}  // namespace numeral
