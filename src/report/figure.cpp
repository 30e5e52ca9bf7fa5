#include "report/figure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/gnuplot.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int kPanelWidth = 400, kPanelHeight = 290;
constexpr int kMostColumns = 3;
constexpr const char* kAxis = "#8b929c";
constexpr int kManyPoints = 40;  // from here on marks would hide the line

struct Extent {
  double least = std::numeric_limits<double>::infinity(), most = -least;
};

Extent ExtentOf(const Panel& panel) {
  Extent extent;
  for (const Curve& curve : panel.curves) {
    for (const auto& [epoch, value] : curve.points) {
      if (std::isnan(value)) continue;
      extent.least = std::min(extent.least, value);
      extent.most = std::max(extent.most, value);
    }
  }
  return extent;
}

// Nothing but zeros would get an axis that goes below them.
std::string ValueAxis(const Panel& panel) {
  const auto [least, most] = ExtentOf(panel);
  const bool logarithm = least > 0 && most > kLogSpan * least;
  return fmt::format("{} logscale y\nset yrange [{}]\n", logarithm ? "set" : "unset",
                     least == 0 && most == 0 ? "0:1" : "*:*");
}

// Told apart by people who see few colours, and on white as on black.
const std::vector<const char*>& Colors() {
  static const std::vector<const char*> colors = {"#2f7fd6", "#e07b28", "#27a17c", "#b45fb0",
                                                  "#c9a21a", "#d1495b", "#6c7a89", "#17a2b8"};
  return colors;
}

// A text of gnuplot's in single quotes, where only those mean something.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ') continue;
    quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted + "'";
}

std::string Terminal(PictureFormat format, int width, int height) {
  if (format == PictureFormat::kSvg) {
    return fmt::format("set terminal svg size {},{} dynamic noenhanced font 'sans-serif,12'\n",
                       width, height);
  }
  return fmt::format(
      "set terminal pngcairo size {},{} noenhanced background rgb 'white' font 'sans,9.75' "
      "fontscale 1.5 linewidth 1.5 pointscale 1.5\n",
      3 * width / 2, 3 * height / 2);
}

std::string DataBlock(const std::string& name, const Curve& curve) {
  std::string text = fmt::format("${} << END\n", name);
  for (const auto& [epoch, value] : curve.points) {
    text += std::isnan(value) ? fmt::format("{} NaN\n", epoch)
                              : fmt::format("{} {:.8g}\n", epoch, value);
  }
  return text + "END\n";
}

std::string Style(size_t color, size_t points) {
  const char* dash = color < Colors().size() ? "" : " dashtype 2";
  return fmt::format("with linespoints linecolor rgb '{}'{} linewidth 1.8 pointtype 7 pointsize {}",
                     CurveColor(color), dash, points < kManyPoints ? 0.45 : 0.12);
}

// Epochs from the first to the last, with room around where there is only one.
std::string EpochRange(const Figure& figure) {
  double first = std::numeric_limits<double>::infinity(), last = -first;
  for (const Panel& panel : figure.panels) {
    for (const Curve& curve : panel.curves) {
      if (curve.points.empty()) continue;
      first = std::min(first, curve.points.front().first);
      last = std::max(last, curve.points.back().first);
    }
  }
  const double room = last > first ? 0.02 * (last - first) : 0.5;
  return fmt::format("set xrange [{}:{}]\n", first - room, last + room) +
         (last - first < 6 ? "set xtics 1\n" : "");
}

// A name in its curve's colour. gnuplot's own keys guess how wide letters are, and overlap.
// It stands `x` panels from the left and `line` lines of text below `y`.
std::string NameLabel(size_t curve, const std::string& name, double x, double y, double line) {
  const char* mark = curve < Colors().size() ? "●" : "○";  // of whole and of dashed lines
  return fmt::format(
      "set label {} {} at graph {},{} offset character 0,{} left textcolor rgb '{}'\n", curve + 1,
      Quoted(fmt::format("{} {}", mark, name)), x, y, -line, CurveColor(curve));
}

// Below the panel and the word under its axis, two in a row.
std::string NamesBelow(const Panel& panel) {
  std::string text;
  for (size_t i = 0; i < panel.curves.size(); ++i) {
    text += NameLabel(i, panel.curves[i].label, i % 2 == 0 ? 0.02 : 0.5, 0,
                      3.5 + static_cast<double>(i / 2));
  }
  return text;
}

std::string PanelScript(size_t number, const Panel& panel, bool names) {
  std::string text = fmt::format("unset label\nset title {} offset 0,-0.4\n", Quoted(panel.title));
  text += ValueAxis(panel);
  if (names && panel.curves.size() > 1) text += NamesBelow(panel);
  std::string plots;
  for (size_t i = 0; i < panel.curves.size(); ++i) {
    const Curve& curve = panel.curves[i];
    if (curve.points.empty()) continue;
    plots += fmt::format("{}$p{}c{} using 1:2 {}", plots.empty() ? "plot " : ", ", number, i,
                         Style(i, curve.points.size()));
  }
  return text + plots + "\n";
}

// A place with the names alone, in columns.
std::string NamesScript(const std::vector<std::string>& names) {
  constexpr size_t kRows = 10;
  const size_t columns = (names.size() + kRows - 1) / kRows;
  std::string text =
      "unset label\nunset title\nunset border\nunset tics\nunset grid\n"
      "unset xlabel\nunset logscale\nset yrange [0:1]\n";
  for (size_t i = 0; i < names.size(); ++i) {
    text += NameLabel(i, names[i], static_cast<double>(i / kRows) / static_cast<double>(columns), 1,
                      static_cast<double>(i % kRows));
  }
  return text + "plot NaN\n";
}

std::string Replaced(std::string text, std::string_view from, const std::string& to) {
  const size_t at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

// Ink that suits the page around it, where gnuplot writes black; names keep their colours.
std::string WithInk(std::string svg) {
  return Replaced(
      std::move(svg), "<title>Gnuplot</title>",
      "<title>Curves over the epochs</title>\n"
      "<style>text { font-family: system-ui, sans-serif }\n"
      "g[fill=\"black\"] > text { fill: #30343a }\n"
      "@media (prefers-color-scheme: dark) { g[fill=\"black\"] > text { fill: #d5d9df } }"
      "</style>");
}

bool IsWhole(const std::string& bytes, PictureFormat format) {
  if (format == PictureFormat::kPng) {
    return bytes.starts_with("\x89PNG\r\n\x1a\n") && bytes.find("IEND") != std::string::npos;
  }
  const size_t end = bytes.find_last_not_of(" \r\n");
  return bytes.starts_with("<?xml") && end != std::string::npos &&
         bytes.substr(0, end + 1).ends_with("</svg>");
}

}  // namespace

std::string CurveColor(size_t index) { return Colors()[index % Colors().size()]; }

std::string GnuplotScript(const Figure& figure, PictureFormat format) {
  NUMERAL_CHECK(!figure.panels.empty());
  const bool shared = !figure.shared_names.empty();
  const int places = static_cast<int>(figure.panels.size()) + (shared ? 1 : 0);
  const int columns = places == 4 ? 2 : std::min(places, kMostColumns);
  const int rows = (places + columns - 1) / columns;
  std::string text = Terminal(format, columns * kPanelWidth, rows * kPanelHeight);
  text += fmt::format(
      "set encoding utf8\nunset key\nset border 3 linecolor rgb '{0}'\n"
      "set tics nomirror scale 0.5\nset xlabel 'epoch' offset 0,0.4\nset format y '%g'\n"
      "set grid ytics linecolor rgb '{0}' linewidth 0.3 dashtype 3\n"
      "set lmargin 8\nset rmargin 3\nset tmargin 2.2\nset bmargin {1}\n",
      kAxis, shared ? 3.2 : 5.6);
  text += EpochRange(figure);
  for (size_t p = 0; p < figure.panels.size(); ++p) {
    for (size_t c = 0; c < figure.panels[p].curves.size(); ++c) {
      text += DataBlock(fmt::format("p{}c{}", p, c), figure.panels[p].curves[c]);
    }
  }
  text += fmt::format("set multiplot layout {},{}\n", rows, columns);
  for (size_t p = 0; p < figure.panels.size(); ++p) {
    text += PanelScript(p, figure.panels[p], !shared);
  }
  if (shared) text += NamesScript(figure.shared_names);
  return text + "unset multiplot\n";
}

std::string DrawFigure(const Figure& figure, PictureFormat format) {
  std::string bytes = RunGnuplot(GnuplotScript(figure, format));
  if (!IsWhole(bytes, format)) Fail("gnuplot drew half a picture");
  return format == PictureFormat::kSvg ? WithInk(std::move(bytes)) : bytes;
}

}  // namespace numeral
