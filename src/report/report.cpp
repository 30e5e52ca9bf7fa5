#include "report/report.h"

#include <algorithm>

#include "render/gif.h"
#include "render/png.h"
#include "render/text.h"
#include "report/comparison.h"
#include "report/curves.h"
#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr int kWhole = 800;                   // hundredths of a second that all frames take
constexpr int kShortest = 10, kLongest = 60;  // that one may take
constexpr int kLastFrame = 300;

// Nothing where it is no picture.
std::optional<GreyImage> Decoded(const std::string& png) {
  try {
    return DecodePng(png);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string Unreadable(const fs::path& path) {
  return fmt::format("{} is left out: it is no PNG that can be read", path.string());
}

// The picture with its epoch below.
GreyImage Labelled(const GreyImage& picture, int64_t epoch) {
  const std::string text = fmt::format("epoch {}", epoch);
  const int strip = TextHeight() + 6;
  GreyImage labelled = BlankSheet(picture.width, picture.height + strip);
  std::copy(picture.pixels.begin(), picture.pixels.end(), labelled.pixels.begin());
  DrawText(text, (picture.width - TextWidth(text)) / 2, picture.height + 2, kInk, labelled);
  return labelled;
}

// The SVG, or nothing where there are no curves or gnuplot has none.
std::string WriteCurves(const RunRecord& run, const Note& note) {
  const Figure figure = CurvesOf(run);
  if (figure.panels.empty()) return "";
  std::string svg, png;
  try {
    svg = DrawFigure(figure, PictureFormat::kSvg);
    png = DrawFigure(figure, PictureFormat::kPng);
  } catch (const Error& error) {
    note(fmt::format("no losses.{}: {}", svg.empty() ? "svg and losses.png" : "png", error.what()));
  }
  if (!svg.empty()) WriteFileAtomically(run.dir / "losses.svg", svg);
  if (!png.empty()) WriteFileAtomically(run.dir / "losses.png", png);
  return svg;
}

// Nothing where the run has none that can be read.
std::optional<EmbeddedSample> LastSample(const RunRecord& run, const Note& note) {
  for (auto sample = run.samples.rbegin(); sample != run.samples.rend(); ++sample) {
    std::string png = ReadFile(sample->path);
    if (Decoded(png)) return EmbeddedSample{sample->epoch, std::move(png)};
    note(Unreadable(sample->path));
  }
  return std::nullopt;
}

std::string ReadIfThere(const fs::path& path) { return fs::exists(path) ? ReadFile(path) : ""; }

}  // namespace

std::vector<EmbeddedSample> LoadSamples(const RunRecord& run, const Note& note) {
  std::vector<EmbeddedSample> samples;
  int width = 0, height = 0;
  for (const auto& [epoch, path] : Spread(run.samples, kMostFrames)) {
    std::string png = ReadFile(path);
    const auto picture = Decoded(png);
    if (!picture) {
      note(Unreadable(path));
      continue;
    }
    if (samples.empty()) {
      width = picture->width;
      height = picture->height;
    }
    if (picture->width != width || picture->height != height) {
      note(fmt::format("{} is left out: it has {}x{} pixels, the first one {}x{}", path.string(),
                       picture->width, picture->height, width, height));
      continue;
    }
    samples.push_back({epoch, std::move(png)});
  }
  return samples;
}

std::string ProgressGif(const std::vector<EmbeddedSample>& samples) {
  const int each = std::clamp(kWhole / static_cast<int>(samples.size()), kShortest, kLongest);
  std::vector<GifFrame> frames;
  for (const EmbeddedSample& sample : samples) {
    frames.push_back({Labelled(DecodePng(sample.png), sample.epoch), each});
  }
  frames.back().hundredths = kLastFrame;
  return EncodeGif(frames);
}

void WriteComparison(std::span<const RunRecord> runs, int sorted_by, const fs::path& out,
                     const Note& note) {
  ComparisonPictures pictures;
  const Figure figure = CurvesOf(runs);
  try {
    if (!figure.panels.empty()) pictures.curves_svg = DrawFigure(figure, PictureFormat::kSvg);
  } catch (const Error& error) {
    note(fmt::format("no curves in {}: {}", out.string(), error.what()));
  }
  for (const RunRecord& run : runs) pictures.last_samples.push_back(LastSample(run, note));
  WriteFileAtomically(out, ComparisonPage(runs, sorted_by, pictures));
}

void WriteRunReport(const RunRecord& run, const Note& note) {
  PagePictures pictures;
  pictures.curves_svg = WriteCurves(run, note);
  pictures.samples = LoadSamples(run, note);
  if (!pictures.samples.empty()) {
    WriteFileAtomically(run.dir / "progress.gif", ProgressGif(pictures.samples));
  }
  if (!run.evaluation.is_null()) {
    pictures.confusion_png = ReadIfThere(run.evaluation_dir() / "confusion.png");
    pictures.mistakes_png = ReadIfThere(run.evaluation_dir() / "mistakes.png");
  }
  WriteFileAtomically(run.dir / "report.html", RunPage(run, pictures));
}

}  // namespace numeral
