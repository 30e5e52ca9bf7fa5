#include "tools/evaluation.h"

#include <algorithm>
#include <cstdio>

#include "data/image_folder.h"
#include "inference/generator.h"
#include "inference/weights_source.h"
#include "metrics/nearest.h"
#include "render/confusion.h"
#include "render/mistakes.h"
#include "render/png.h"
#include "train/cas.h"
#include "util/error.h"
#include "util/files.h"
#include "util/progress.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kNearestImages = 1000;

// For real images: of test images, since training images are their own nearest ones.
void MeasureNearest(const std::vector<uint8_t>& pixels, const Dataset& training,
                    MeasuredImages& measured) {
  const auto size = std::min<size_t>(pixels.size(), kNearestImages * kImagePixels);
  const NearestImages nearest = FindNearestImages(std::span(pixels).first(size), training.pixels);
  measured.nearest_least = *std::min_element(nearest.distance.begin(), nearest.distance.end());
  for (const double distance : nearest.distance) measured.nearest_mean += distance;
  measured.nearest_mean /= static_cast<double>(nearest.distance.size());
}

}  // namespace

Evaluation::Evaluation(const EvaluationOptions& o)
    : o_(o),
      engine_(MakeEngine(o.device)),
      judges_(o.classifier, o.judge, *engine_, NetworkOfConfig(o.classifier_config, "classifier")),
      real_(Load(o.split)) {}

void Evaluation::Run() {
  result_.classifier = o_.classifier;
  result_.judge = o_.judge;
  result_.labeler = o_.labeler;
  result_.real = real_.name;
  result_.latent_scale = o_.latent_scale;
  result_.seed = o_.seed;
  std::optional<Fakes> fakes = FindFakes();
  const fs::path out = !o_.out.empty() ? fs::path(o_.out) : fakes ? fakes->out : fs::path();
  if (!out.empty()) MakeFolder(out);
  const fs::path json_folder = fs::path(o_.json).parent_path();
  if (!json_folder.empty()) MakeFolder(json_folder);
  MeasureS0();
  if (fakes) MeasureFakes(*fakes, out);
  std::fputs(ToTable(result_).c_str(), stdout);
  const std::string json = ToJsonText(result_);
  if (!out.empty()) WriteFileAtomically(out / "evaluation.json", json);
  if (!o_.json.empty()) WriteFileAtomically(o_.json, json);
  if (!out.empty()) Note(fmt::format("evaluation.json is in {}", out.string()));
}

void Evaluation::Note(const std::string& text) const {
  if (!o_.quiet) std::fputs((text + "\n").c_str(), stderr);
}

Dataset Evaluation::Load(const std::string& split) const {
  DataSpec spec;
  spec.dataset = o_.dataset;
  spec.split = split;
  if (o_.digit >= 0) spec.digits = {o_.digit};
  return LoadDataset(spec, DataDir(o_.data_dir));
}

std::optional<Fakes> Evaluation::FindFakes() const {
  if (!o_.fake_dir.empty()) return ReadFakes();
  std::string path = o_.generator;
  if (path.empty()) {
    const std::optional<fs::path> newest = NewestGenerator("runs");
    if (!newest) {
      Note("no run with a generator below runs/: only S0; name one with --generator");
      return std::nullopt;
    }
    path = newest->string();
    Note(fmt::format("the newest run's generator is {}", path));
  }
  return DrawFakes(path);
}

Fakes Evaluation::ReadFakes() const {
  if (!o_.labeler.empty()) BadInput("--labeler: the folders of --fake-dir name the digits already");
  const Dataset images = LoadImageFolder(o_.fake_dir);
  // Beside the folder, even where it is called "." or ends in a slash.
  const fs::path dir = (fs::absolute(o_.fake_dir) / "").lexically_normal();
  return {o_.fake_dir, images.pixels, std::vector<int>(images.labels.begin(), images.labels.end()),
          LabelsFrom::kFolders, dir.parent_path().string() + "_evaluation"};
}

Fakes Evaluation::DrawFakes(const std::string& path) const {
  Generator generator(LoadWeights(path, NetworkOfConfig(o_.generator_config, "generator")),
                      *engine_);
  Note(fmt::format("drawing {} images with {}", FormatCount(o_.samples), path));
  Fakes fakes{path, {}, {}, LabelsFrom::kNobody, fs::path(path).parent_path() / "evaluation"};
  std::vector<int32_t> digits;
  if (generator.conditional()) {
    digits = o_.digit < 0 ? EveryDigit(o_.samples)
                          : std::vector<int32_t>(static_cast<size_t>(o_.samples), o_.digit);
    fakes.labels_from = LabelsFrom::kCondition;
    fakes.wanted.assign(digits.begin(), digits.end());
  } else if (o_.digit >= 0) {
    fakes.labels_from = LabelsFrom::kDigit;
    fakes.wanted.assign(static_cast<size_t>(o_.samples), o_.digit);
  }
  if (!o_.labeler.empty() && fakes.labels_from != LabelsFrom::kNobody) {
    BadInput("--labeler: the digits of {} are known without it", path);
  }
  fakes.pixels = generator.Draw(generator.DrawInputs(o_.seed, o_.samples, o_.latent_scale, digits));
  if (!o_.labeler.empty()) Label(fakes);
  return fakes;
}

void Evaluation::Label(Fakes& fakes) const {
  std::error_code ignored;  // what cannot be looked at is found missing below
  if (fs::equivalent(o_.labeler, o_.classifier, ignored)) {
    BadInput("--labeler and --classifier are the same file: it would agree with itself");
  }
  Classifier labeler(LoadWeights(o_.labeler, NetworkOfConfig(o_.classifier_config, "classifier")),
                     *engine_);
  fakes.wanted = labeler.Read(fakes.pixels).digits;
  fakes.labels_from = LabelsFrom::kLabeler;
}

void Evaluation::MeasureS0() {
  const Dataset images = o_.s0_samples == 0 ? real_ : DrawImages(real_, o_.s0_samples, o_.seed);
  const JudgedSet judged = Judge(judges_, images.pixels);
  const std::vector<int> labels(images.labels.begin(), images.labels.end());
  result_.s0 = Report(judged.by_classifier, labels);
  if (judges_.has_judge()) result_.s0_judge = Report(judged.by_judge, labels);
}

void Evaluation::MeasureFakes(const Fakes& fakes, const fs::path& out) {
  const auto count = static_cast<int64_t>(fakes.pixels.size()) / kImagePixels;
  const Dataset training = Load(o_.split == "test" ? "train" : "fit");
  // Sets of one size are compared: the neighbourhood metrics depend on it.
  const Dataset reference = DrawImages(real_, count, o_.seed);
  std::optional<RealImages> real;
  if (reference.count() > kDefaultNeighbours) {
    real = AsReal(Judge(judges_, reference.pixels).features);
  }
  result_.source = fakes.source;
  result_.labels_from = fakes.labels_from;
  const JudgedSet judged = Judge(judges_, fakes.pixels);
  result_.generated = Measure(real, judged, fakes.wanted);
  Note("looking for the nearest training images");
  MeasureNearest(fakes.pixels, training, *result_.generated);

  const Dataset drawn = DrawImages(training, std::min(count, real_.count()), o_.seed);
  const std::vector<int> labels(drawn.labels.begin(), drawn.labels.end());
  result_.training = Measure(real, Judge(judges_, drawn.pixels), labels);
  MeasureNearest(reference.pixels, training, *result_.training);
  if (o_.full) MeasureCas(fakes, drawn);
  DrawPictures(fakes, judged, out);
}

MeasuredImages Evaluation::Measure(const std::optional<RealImages>& real, const JudgedSet& judged,
                                   const std::vector<int>& wanted) const {
  MeasuredImages measured;
  measured.by_classifier = Report(judged.by_classifier, wanted);
  if (judges_.has_judge()) measured.by_judge = Report(judged.by_judge, wanted);
  const bool enough = judged.features.count > kDefaultNeighbours;
  if (real && enough) measured.comparison = Compare(*real, judged.features);
  return measured;
}

void Evaluation::MeasureCas(const Fakes& fakes, const Dataset& training) {
  if (fakes.labels_from == LabelsFrom::kNobody || o_.digit >= 0) {
    Note("no CAS: it takes images of all digits whose digits are known");
    return;
  }
  Dataset images{fakes.source, fakes.pixels,
                 std::vector<uint8_t>(fakes.wanted.begin(), fakes.wanted.end())};
  result_.generated->cas = Cas("generated", images);
  result_.training->cas = Cas("real", training);
}

double Evaluation::Cas(const std::string& what, const Dataset& images) const {
  int shown = -1;
  const double score =
      ClassificationAccuracyScore(images, real_, *engine_, o_.seed, [&](double share) {
        const int tenth = static_cast<int>(share * 10);
        if (tenth == shown) return;
        shown = tenth;
        Note(fmt::format("training a classifier on {} images: {}%", what, tenth * 10));
      });
  return score;
}

void Evaluation::DrawPictures(const Fakes& fakes, const JudgedSet& judged,
                              const fs::path& out) const {
  if (out.empty()) return;
  if (fakes.wanted.empty()) {  // those of an earlier evaluation would be taken for this one's
    for (const char* name : {"confusion.png", "mistakes.png"}) fs::remove(out / name);
    return;
  }
  WritePng(out / "confusion.png", DrawConfusion(result_.generated->by_classifier.confusion));
  const Readings& read = judged.by_classifier;
  const std::vector<int64_t> wrong =
      MostConfidentlyWrong({fakes.wanted, read.digits, read.probabilities}, kMostMistakes);
  std::vector<uint8_t> images;
  std::vector<int> wanted, given;
  for (const int64_t i : wrong) {
    const auto begin = fakes.pixels.begin() + i * kImagePixels;
    images.insert(images.end(), begin, begin + kImagePixels);
    wanted.push_back(fakes.wanted[static_cast<size_t>(i)]);
    given.push_back(read.digits[static_cast<size_t>(i)]);
  }
  WritePng(out / "mistakes.png", DrawMistakes(images, wanted, given));
}

}  // namespace numeral
