#include "metrics/report.h"

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "util/progress.h"

namespace numeral {
namespace {

using Json = nlohmann::ordered_json;

const char* NameOf(LabelsFrom from) {
  switch (from) {
    case LabelsFrom::kNobody:
      return "nobody";
    case LabelsFrom::kCondition:
      return "condition";
    case LabelsFrom::kFolders:
      return "folders";
    case LabelsFrom::kDigit:
      return "digit";
    case LabelsFrom::kLabeler:
      return "labeler";
  }
  return "";
}

// Whether errors are errors, and not disagreement.
bool KnowsDigits(LabelsFrom from) {
  return from != LabelsFrom::kNobody && from != LabelsFrom::kLabeler;
}

// ---- table --------------------------------------------------------------------------------------

std::string RateText(const ErrorRate& rate) {
  const auto [low, high] = rate.Wilson95();
  return fmt::format("{} of {} wrong, {:.2f}% ({:.2f} to {:.2f}%)", FormatCount(rate.errors),
                     FormatCount(rate.samples), 100 * rate.rate(), 100 * low, 100 * high);
}

std::string Heading(const EvaluationResult& r) {
  std::string text =
      fmt::format("S0  {} on {}: {}\n", r.classifier, r.real, RateText(r.s0.overall));
  if (r.s0_judge) text += fmt::format("    {}: {}\n", r.judge, RateText(r.s0_judge->overall));
  if (!r.generated) return text;
  const MeasuredImages& g = *r.generated;
  if (KnowsDigits(r.labels_from)) {
    text += fmt::format("S1  {}: {}\n", r.source, RateText(g.by_classifier.overall));
    if (g.by_judge) {
      text += fmt::format("    {}: {}\n", r.judge, RateText(g.by_judge->overall));
    }
  } else if (r.labels_from == LabelsFrom::kLabeler) {
    text += fmt::format("disagreement with {} on {}: {}\n", r.labeler, r.source,
                        RateText(g.by_classifier.overall));
  } else {
    text += fmt::format(
        "S1  not known: nobody asked {} for digits; a --labeler gives disagreement in its place\n",
        r.source);
  }
  return text;
}

struct Line {
  std::string name, better;
  std::function<std::string(const MeasuredImages&)> value;  // "-" where not measured
};

Line OfComparison(std::string name, std::string better, int digits,
                  std::function<double(const Comparison&)> value) {
  return {std::move(name), std::move(better), [=](const MeasuredImages& m) {
            return m.comparison ? fmt::format("{:.{}f}", value(*m.comparison), digits) : "-";
          }};
}

std::vector<Line> Lines() {
  using M = MeasuredImages;
  using C = Comparison;
  return {
      OfComparison("FID-C", "lower", 2, [](const C& c) { return c.fid_c; }),
      OfComparison("rFID", "lower", 4, [](const C& c) { return c.rfid; }),
      OfComparison("precision", "higher", 3, [](const C& c) { return c.neighbourhood.precision; }),
      OfComparison("recall", "higher", 3, [](const C& c) { return c.neighbourhood.recall; }),
      OfComparison("density", "higher", 3, [](const C& c) { return c.neighbourhood.density; }),
      OfComparison("coverage", "higher", 3, [](const C& c) { return c.neighbourhood.coverage; }),
      OfComparison("feature variance", "near 1", 3, [](const C& c) { return c.variance_ratio; }),
      {"class KL", "lower", [](const M& m) { return fmt::format("{:.4f}", m.by_classifier.kl); }},
      {"mean confidence", "like real",
       [](const M& m) { return fmt::format("{:.4f}", m.by_classifier.mean_confidence); }},
      {"unsure (< 0.9)", "like real",
       [](const M& m) { return fmt::format("{:.2f}%", 100 * m.by_classifier.unsure_share); }},
      {"nearest training image", "not less",
       [](const M& m) { return fmt::format("{:.2f}", m.nearest_mean); }},
      {"  the least of them", "not less",
       [](const M& m) { return fmt::format("{:.2f}", m.nearest_least); }},
      {"CAS", "higher",
       [](const M& m) { return m.cas ? fmt::format("{:.2f}%", 100 * *m.cas) : "-"; }},
  };
}

std::string Metrics(const EvaluationResult& r) {
  std::string text = fmt::format("\n{:<24}{:>12}{:>12}   {}\n",
                                 fmt::format("{} images of each", FormatCount(r.compared)),
                                 "generated", "real", "better");
  for (const Line& line : Lines()) {
    text += fmt::format("{:<24}{:>12}{:>12}   {}\n", line.name, line.value(*r.generated),
                        r.training ? line.value(*r.training) : "-", line.better);
  }
  return text;
}

std::string Confusion(const EvaluationResult& r) {
  const ClassificationReport& report = r.generated->by_classifier;
  std::string text = "\nwanted  given 0";
  for (int digit = 1; digit < kDigits; ++digit) text += fmt::format("{:>7}", digit);
  text += "   error\n";
  for (size_t wanted = 0; wanted < kDigits; ++wanted) {
    text += fmt::format("{:<8}", wanted);
    for (const int64_t count : report.confusion[wanted]) {
      text += count == 0 ? fmt::format("{:>7}", ".") : fmt::format("{:>7}", count);
    }
    text += fmt::format("{:>7.2f}%\n", 100 * report.by_digit[wanted].rate());
  }
  return text;
}

std::string Histogram(const EvaluationResult& r) {
  std::string text = "\ndigits read  ";
  for (size_t digit = 0; digit < kDigits; ++digit) {
    text +=
        fmt::format("{}: {}  ", digit, FormatCount(r.generated->by_classifier.histogram[digit]));
  }
  text.back() = '\n';
  return text;
}

// ---- JSON ---------------------------------------------------------------------------------------

Json RateJson(const ErrorRate& rate) {
  const auto [low, high] = rate.Wilson95();
  return {{"samples", rate.samples},
          {"errors", rate.errors},
          {"error_rate", rate.rate()},
          {"interval_95", {low, high}}};
}

Json ErrorsJson(const ClassificationReport& report) {
  Json json = RateJson(report.overall);
  Json digits = Json::array();
  for (const ErrorRate& rate : report.by_digit) digits.push_back(rate.rate());
  json["per_digit"] = digits;
  json["confusion"] = report.confusion;
  json["wanted_probability"] = report.mean_wanted_probability;
  return json;
}

void PutMeasured(const MeasuredImages& m, Json& json) {
  if (m.comparison) {
    const Comparison& c = *m.comparison;
    json["fid_c"] = c.fid_c;
    json["rfid"] = c.rfid;
    json["precision"] = c.neighbourhood.precision;
    json["recall"] = c.neighbourhood.recall;
    json["density"] = c.neighbourhood.density;
    json["coverage"] = c.neighbourhood.coverage;
    json["variance_ratio"] = c.variance_ratio;
  }
  json["histogram"] = m.by_classifier.histogram;
  json["kl"] = m.by_classifier.kl;
  json["confidence"] = m.by_classifier.mean_confidence;
  json["unsure_share"] = m.by_classifier.unsure_share;
  json["nearest_training_image"] = {{"mean", m.nearest_mean}, {"least", m.nearest_least}};
  json["cas"] = m.cas ? Json(*m.cas) : Json(nullptr);
}

}  // namespace

std::string ToTable(const EvaluationResult& result) {
  std::string text = Heading(result);
  if (!result.generated) return text;
  text += Metrics(result);
  if (result.labels_from != LabelsFrom::kNobody) text += Confusion(result);
  return text + Histogram(result);
}

std::string ToJsonText(const EvaluationResult& r) {
  Json json = {
      {"classifier", r.classifier}, {"judge", r.judge}, {"real", r.real}, {"seed", r.seed}};
  json["s0"] = ErrorsJson(r.s0);
  if (r.s0_judge) json["s0"]["by_judge"] = RateJson(r.s0_judge->overall);
  if (!r.generated) return json.dump(2) + "\n";
  json["generator"] = r.source;
  if (r.labels_from != LabelsFrom::kFolders) json["latent_scale"] = r.latent_scale;
  json["compared_images"] = r.compared;
  const MeasuredImages& g = *r.generated;
  const bool known = KnowsDigits(r.labels_from);
  if (r.labels_from != LabelsFrom::kNobody) {
    Json errors = ErrorsJson(g.by_classifier);
    errors["labels_from"] = NameOf(r.labels_from);
    if (!known) errors["labeler"] = r.labeler;
    if (g.by_judge) errors["by_judge"] = RateJson(g.by_judge->overall);
    json[known ? "s1" : "disagreement"] = errors;
  }
  if (!known) json["s1"] = nullptr;
  PutMeasured(g, json);
  if (r.training) PutMeasured(*r.training, json["real_training_images"]);
  return json.dump(2) + "\n";
}

}  // namespace numeral
