// Panels of curves over the epochs, drawn by gnuplot.
//
// A panel holds what shares a scale. Its axis is logarithmic where all values are positive and span
// more than kLogSpan. A single point is drawn as a mark. Called with the curves of one run or of
// several.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace numeral {

inline constexpr double kLogSpan = 10;

struct Curve {
  std::string label;
  std::vector<std::pair<double, double>> points;  // epoch, value; a value of NaN breaks the line
};
struct Panel {
  std::string title;
  std::vector<Curve> curves;
};
struct Figure {
  std::vector<Panel> panels;
  // The curves of every panel are those of these names, in their order and colours; the names then
  // stand once, in a place of their own. Empty: each panel names its own.
  std::vector<std::string> shared_names;
};

enum class PictureFormat { kSvg, kPng };
std::string GnuplotScript(const Figure& figure, PictureFormat format);
// The picture's bytes, checked to be whole. The SVG takes light or dark ink as its reader prefers.
// Throws Error(kFailure) where gnuplot does not give them.
std::string DrawFigure(const Figure& figure, PictureFormat format);

// As "#2f6fbd"; the curve of this index has it.
std::string CurveColor(size_t index);

}  // namespace numeral
