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

// Where nobody knows the digits, the labels say nothing.
Dataset Labelled(const Fakes& fakes) {
  Dataset images{fakes.source, fakes.pixels, {}};
  images.labels.assign(fakes.wanted.begin(), fakes.wanted.end());
  images.labels.resize(fakes.pixels.size() / kImagePixels);
  return images;
}

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
  const JudgedSet judged_real = MeasureS0();
  if (fakes) MeasureFakes(*fakes, judged_real, out);
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
  const Dataset images = LoadImageFolder(o_.fake_dir);
  // Beside the folder, even where it is called "." or ends in a slash.
  const fs::path dir = (fs::absolute(o_.fake_dir) / "").lexically_normal();
  return {o_.fake_dir, images.pixels, std::vector<int>(images.labels.begin(), images.labels.end()),
          LabelsFrom::kFolders, dir.parent_path().string() + "_evaluation"};
}

Fakes Evaluation::DrawFakes(const std::string& path) const {
  Generator generator(LoadWeights(path, NetworkOfConfig(o_.generator_config, "generator")),
                      *engine_);
  const fs::path file(path);
  const std::string folder =
      file.stem() == "g" ? "evaluation" : "evaluation_" + file.stem().string();
  Fakes fakes{path, {}, {}, LabelsFrom::kNobody, file.parent_path() / folder};
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
  std::optional<Classifier> labeler;
  if (!o_.labeler.empty()) labeler.emplace(LoadLabeler());
  Note(fmt::format("drawing {} images with {}", FormatCount(o_.samples), path));
  fakes.pixels = generator.Draw(generator.DrawInputs(o_.seed, o_.samples, o_.latent_scale, digits));
  if (labeler) {
    fakes.wanted = labeler->Read(fakes.pixels).digits;
    fakes.labels_from = LabelsFrom::kLabeler;
  }
  return fakes;
}

Classifier Evaluation::LoadLabeler() const {
  for (const std::string& other : {o_.classifier, o_.judge}) {
    std::error_code ignored;  // what cannot be looked at is found missing below
    if (!other.empty() && fs::equivalent(o_.labeler, other, ignored)) {
      BadInput("--labeler {} judges already: it would agree with itself", o_.labeler);
    }
  }
  return Classifier(LoadWeights(o_.labeler, NetworkOfConfig(o_.classifier_config, "classifier")),
                    *engine_);
}

JudgedSet Evaluation::MeasureS0() {
  const Dataset images = o_.s0_samples == 0 ? real_ : DrawImages(real_, o_.s0_samples, o_.seed);
  const JudgedSet judged = Judge(judges_, images.pixels);
  const std::vector<int> labels(images.labels.begin(), images.labels.end());
  result_.s0 = Report(judged.by_classifier, labels);
  if (judges_.has_judge()) result_.s0_judge = Report(judged.by_judge, labels);
  return judged;
}

// Drawing as many images by the same seed gives the same ones: they are not judged again.
Features Evaluation::FeaturesOfPart(const Dataset& part, const JudgedSet& judged) const {
  if (part.count() == judged.features.count) return judged.features;
  return Judge(judges_, part.pixels).features;
}

void Evaluation::MeasureFakes(const Fakes& fakes, const JudgedSet& judged_real,
                              const fs::path& out) {
  const Dataset training = Load(o_.split == "test" ? "train" : "fit");
  result_.source = fakes.source;
  result_.labels_from = fakes.labels_from;
  const JudgedSet judged = Judge(judges_, fakes.pixels);
  result_.generated = Classify(judged, fakes.wanted);
  // Sets of one size are compared: the neighbourhood metrics depend on it.
  const Dataset images = Labelled(fakes);
  result_.compared = std::min(images.count(), real_.count());
  const Dataset generated = DrawImages(images, result_.compared, o_.seed);
  const Dataset real = DrawImages(real_, result_.compared, o_.seed);
  const Dataset drawn = DrawImages(training, result_.compared, o_.seed);
  const JudgedSet judged_training = Judge(judges_, drawn.pixels);
  result_.training =
      Classify(judged_training, std::vector<int>(drawn.labels.begin(), drawn.labels.end()));
  if (result_.compared > kDefaultNeighbours) {
    const RealImages reference = AsReal(FeaturesOfPart(real, judged_real));
    result_.generated->comparison = Compare(reference, FeaturesOfPart(generated, judged));
    result_.training->comparison = Compare(reference, judged_training.features);
  }
  Note("looking for the nearest training images");
  MeasureNearest(generated.pixels, training, *result_.generated);
  MeasureNearest(real.pixels, training, *result_.training);
  if (o_.full) MeasureCas(fakes.labels_from, generated, drawn);
  DrawPictures(fakes, judged, out);
}

MeasuredImages Evaluation::Classify(const JudgedSet& judged, const std::vector<int>& wanted) const {
  MeasuredImages measured;
  measured.by_classifier = Report(judged.by_classifier, wanted);
  if (judges_.has_judge()) measured.by_judge = Report(judged.by_judge, wanted);
  return measured;
}

void Evaluation::MeasureCas(LabelsFrom labels, const Dataset& generated, const Dataset& training) {
  const bool asked = labels == LabelsFrom::kCondition || labels == LabelsFrom::kFolders;
  if (!asked || o_.digit >= 0) {
    return Note("no CAS: it takes images of all digits that were asked for");
  }
  if (generated.count() < kCasBatch) {
    return Note(fmt::format("no CAS: it takes {} images or more", kCasBatch));
  }
  result_.generated->cas = Cas("generated", generated);
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
