#include "report/figure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <regex>

#include "render/png.h"
#include "report/curves.h"
#include "tests/catch.h"
#include "tests/report/run_files.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

using Points = std::vector<std::pair<double, double>>;

const double kNothing = std::numeric_limits<double>::quiet_NaN();

std::string RgbOf(const std::string& hex) {
  const auto part = [&](int at) {
    return std::stoi(hex.substr(static_cast<size_t>(at), 2), nullptr, 16);
  };
  return fmt::format("rgb({:3}, {:3}, {:3})", part(1), part(3), part(5));
}

// Where the marks of the curve with this colour stand, in pixels.
Points MarksIn(const std::string& svg, size_t curve) {
  const std::string color = RgbOf(CurveColor(curve));
  static const std::regex mark("<use [^>]*translate\\(([0-9.]+),([0-9.]+)\\)[^>]*color='([^']*)'");
  Points places;
  for (std::sregex_iterator it(svg.begin(), svg.end(), mark), end; it != end; ++it) {
    if ((*it)[3] == color) places.emplace_back(std::stod((*it)[1]), std::stod((*it)[2]));
  }
  std::sort(places.begin(), places.end());
  return places;
}

// How often the curve's line begins anew.
int64_t StrokesIn(const std::string& svg, size_t curve) {
  const std::regex path("<path stroke='([^']*)'  d='([^']*)'");
  for (std::sregex_iterator it(svg.begin(), svg.end(), path), end; it != end; ++it) {
    const std::string strokes = (*it)[2];
    if ((*it)[1] == RgbOf(CurveColor(curve))) {
      return std::count(strokes.begin(), strokes.end(), 'M');
    }
  }
  return 0;
}

// All marks lie on one straight map from values (or their logarithms) to pixels.
void CheckPlaces(const Points& marks, const Points& points, bool logarithm) {
  REQUIRE(marks.size() == points.size());
  const auto y = [&](size_t i) {
    return logarithm ? std::log(points[i].second) : points[i].second;
  };
  const size_t last = points.size() - 1;
  const auto on_line = [](double a0, double a1, double a, double b0, double b1) {
    return b0 + (a - a0) / (a1 - a0) * (b1 - b0);
  };
  CHECK(marks[last].second < marks[0].second);  // pixels count downwards
  for (size_t i = 0; i <= last; ++i) {
    CHECK(std::abs(marks[i].first - on_line(points[0].first, points[last].first, points[i].first,
                                            marks[0].first, marks[last].first)) < 0.1);
    CHECK(std::abs(marks[i].second -
                   on_line(y(0), y(last), y(i), marks[0].second, marks[last].second)) < 0.1);
  }
}

RunRecord RunOf(const std::string& metrics) {
  const TempFolder folder;
  WriteRun(folder.path(), kReportedConfig, metrics);
  return ReadRun(folder.path());
}

const Curve* Find(const Figure& figure, const std::string& title, const std::string& label) {
  for (const Panel& panel : figure.panels) {
    for (const Curve& curve : panel.curves) {
      if (panel.title == title && curve.label == label) return &curve;
    }
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a picture has every point at its place", "[report]") {
  const Points points{{1, 2.5}, {2, 3}, {3, 2.75}, {7, 4}};
  const std::string svg = DrawFigure({{{"loss", {{"first", points}, {"second", {{1, 3.5}}}}}}, {}},
                                     PictureFormat::kSvg);
  CheckPlaces(MarksIn(svg, 0), points, false);
  CHECK(StrokesIn(svg, 0) == 1);
  CHECK(MarksIn(svg, 1).size() == 1);
  for (const char* text : {">loss<", "● first<", "● second<", ">epoch<", "prefers-color-scheme"}) {
    INFO(text);
    CHECK(svg.find(text) != std::string::npos);
  }
}

TEST_CASE("an axis is logarithmic where values span much and are positive", "[report]") {
  Points points{{1, 0.02}, {2, 0.5}, {3, 900}};
  const auto svg = [&] { return DrawFigure({{{"p", {{"c", points}}}}, {}}, PictureFormat::kSvg); };
  CheckPlaces(MarksIn(svg(), 0), points, true);
  points[0].second = 0;
  CheckPlaces(MarksIn(svg(), 0), points, false);
  points[0].second = 60;
  CheckPlaces(MarksIn(svg(), 0), {{1, 60}, {2, 0.5}, {3, 900}}, true);
}

TEST_CASE("an axis of nothing but zeros begins there", "[report]") {
  const auto axis = [](const Points& points) {
    return GnuplotScript({{{"S1", {{"S1", points}}}}, {}}, PictureFormat::kSvg);
  };
  const char* floor = "set yrange [0:1]";
  CHECK(axis({{1, 0}, {2, 0}}).find("set yrange [*:*]") == std::string::npos);
  // The names' place has such a range too, where there is one.
  const auto count = [&](const std::string& script) {
    size_t times = 0;
    for (size_t at = 0; (at = script.find(floor, at)) != std::string::npos; ++at) ++times;
    return times;
  };
  CHECK(count(axis({{1, 0}, {2, 0}})) == count(axis({{1, 0}, {2, 0.5}})) + 1);
  CHECK(count(axis({{1, 0}, {2, 0}})) == count(axis({{1, -1}, {2, 0}})) + 1);
}

TEST_CASE("a value that is none breaks the line", "[report]") {
  const Points points{{1, 1}, {2, 2}, {3, kNothing}, {4, 2}, {5, 3}};
  const std::string svg = DrawFigure({{{"p", {{"c", points}}}}, {}}, PictureFormat::kSvg);
  CHECK(MarksIn(svg, 0).size() == 4);
  CHECK(StrokesIn(svg, 0) == 2);
}

TEST_CASE("a single epoch is a mark, and many curves have names", "[report]") {
  Figure figure{{{"p", {}}}, {}};
  for (int i = 0; i < 25; ++i) {
    figure.panels[0].curves.push_back({fmt::format("run {}", i), {{1, 0.5 + i}}});
    figure.shared_names.push_back(fmt::format("run {}", i));
  }
  const std::string svg = DrawFigure(figure, PictureFormat::kSvg);
  for (const std::string& name : figure.shared_names) {
    INFO(name);
    CHECK(svg.find(" " + name + "<") != std::string::npos);
  }
  CHECK(MarksIn(svg, 3).size() == 3);  // eight colours in turn: runs 3, 11 and 19
}

TEST_CASE("names are text to gnuplot and to the picture's reader", "[report]") {
  const std::string name =
      "it's <script>alert(1)</script> \"a\" `id` $(id) %s \\n {/Bold x}_2 @y\n'";
  for (const PictureFormat format : {PictureFormat::kSvg, PictureFormat::kPng}) {
    const std::string bytes =
        DrawFigure({{{name, {{name, {{1, 2}}}, {name, {{2, 3}}}}}}, {name, name}}, format);
    CHECK(bytes.find("<script") == std::string::npos);
    if (format == PictureFormat::kPng) continue;
    CHECK(bytes.find("it's &lt;script>alert(1)&lt;/script>") != std::string::npos);
    CHECK(bytes.find("`id` $(id) %s \\n {/Bold x}_2 @y'") != std::string::npos);
  }
}

TEST_CASE("a PNG is a picture", "[report]") {
  const GreyImage image =
      DecodePng(DrawFigure({{{"p", {{"c", {{1, 1}, {2, 2}}}}}}, {}}, PictureFormat::kPng));
  CHECK(image.width > 300);
  CHECK(image.height > 200);
  CHECK(image.At(0, 0) == 255);
  CHECK(*std::min_element(image.pixels.begin(), image.pixels.end()) < 160);
}

TEST_CASE("the curves of a run are what it measured", "[report]") {
  const Figure figure = CurvesOf(RunOf(
      "{\"epoch\":1,\"step\":8,\"d_loss\":2,\"g_loss\":1,\"s1\":0.5,\"d_accuracy_real\":0.25}\n"
      "{\"epoch\":2,\"step\":16,\"d_loss\":1,\"g_loss\":null}\n"
      "{\"epoch\":3,\"step\":24,\"d_loss\":0.5,\"g_loss\":3,\"recall\":0.125}\n"
      "{\"epoch\":4,\"step\":32,\"d_loss\":0.25,\"g_loss\":4}\n"
      "{\"epoch\":5,\"step\":40,\"g_loss\":5}\n"));
  REQUIRE(figure.panels.size() == 4);
  const Curve* d = Find(figure, "loss", "discriminator");
  REQUIRE(d != nullptr);
  CHECK(d->points == Points{{1, 2}, {2, 1}, {3, 0.5}, {4, 0.25}});
  const Curve* g = Find(figure, "loss", "generator");
  REQUIRE(g != nullptr);
  REQUIRE(g->points.size() == 5);  // one of them is the gap
  CHECK(g->points[0] == std::pair(1.0, 1.0));
  CHECK(std::isnan(g->points[1].second));
  CHECK(g->points[2] == std::pair(3.0, 3.0));
  const Curve* s1 = Find(figure, "S1: wrong digits, %", "S1");
  REQUIRE(s1 != nullptr);
  CHECK(s1->points == Points{{1, 50}});
  CHECK(Find(figure, "neighbourhoods", "recall") != nullptr);
  CHECK(Find(figure, "loss", "loss") == nullptr);
  CHECK(CurvesOf(RunOf("")).panels.empty());
}

TEST_CASE("what is measured every few epochs is one line", "[report]") {
  std::string metrics;
  for (int epoch = 1; epoch <= 22; ++epoch) {
    metrics += fmt::format("{{\"epoch\":{0},\"step\":{0}", epoch);
    if ((epoch % 5 == 0 && epoch != 10) || epoch == 22) metrics += ",\"fid_c\":9";
    metrics += "}\n";
  }
  // 5, 15, 20, 22: only 10 is missing.
  const Figure figure = CurvesOf(RunOf(metrics));
  const Curve* curve = Find(figure, "FID-C", "FID-C");
  REQUIRE(curve != nullptr);
  REQUIRE(curve->points.size() == 5);
  CHECK(std::isnan(curve->points[1].second));
}

TEST_CASE("curves of several runs stand in panels by metric, in the runs' order", "[report]") {
  const std::vector<RunRecord> runs = [] {
    std::vector<RunRecord> two{RunOf("{\"epoch\":1,\"step\":8,\"d_loss\":2}\n"),
                               RunOf("{\"epoch\":1,\"step\":8,\"accuracy\":0.5}\n")};
    two[0].label = "a";
    two[1].label = "b";
    return two;
  }();
  const Figure figure = CurvesOf(std::span<const RunRecord>(runs));
  CHECK(figure.shared_names == std::vector<std::string>{"a", "b"});
  REQUIRE(figure.panels.size() == 2);
  for (const Panel& panel : figure.panels) REQUIRE(panel.curves.size() == 2);
  CHECK(figure.panels[0].curves[0].points == Points{{1, 2}});
  CHECK(figure.panels[0].curves[1].points.empty());
  CHECK(figure.panels[1].curves[1].points == Points{{1, 50}});
}

}  // namespace numeral
