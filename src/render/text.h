// Letters on grey pictures, and the sheet that grids, matrices and captions are drawn on.
//
// Owns: the font, a bitmap of libgd with one size, so that a text is the same pixels on every
// machine. Characters it lacks take their room and stay blank; what falls outside the picture is
// left out. Called by everything in render/ that labels a picture.
#pragma once

#include <cstdint>
#include <string_view>

#include "render/image.h"

namespace numeral {

inline constexpr uint8_t kSheet = 72;  // dark, but told apart from the black ground of a digit
inline constexpr uint8_t kInk = 224;

// A picture of nothing but kSheet. Width and height are positive.
GreyImage BlankSheet(int width, int height);

// In pixels; texts are ASCII.
int TextWidth(std::string_view text);
int TextHeight();

// The box of the text has its top left corner there; only the strokes are drawn.
void DrawText(std::string_view text, int left, int top, uint8_t grey, GreyImage& canvas);

// Turned to read from the bottom to the top: the box is TextHeight() wide and TextWidth() high.
void DrawTextUpwards(std::string_view text, int left, int top, uint8_t grey, GreyImage& canvas);

}  // namespace numeral
