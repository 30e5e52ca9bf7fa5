// What a QualityMonitor measures, of whom, and which of two measurements it takes for the better.
#include <filesystem>
#include <map>

#include "tests/catch.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "train/quality.h"
#include "util/files.h"

namespace numeral {
namespace {

using BestBy = EvaluationSpec::Metric;

// A session with a monitor on it.
class Monitored {
 public:
  explicit Monitored(const Json& json, const Json& evaluation)
      : config_(ConfigOf(json, evaluation)),
        session_(config_, Data(config_), *engine_),
        monitor_(session_, Data(config_)) {
    session_.Initialise();
  }
  Session& session() { return session_; }
  QualityMonitor& monitor() { return monitor_; }

 private:
  Config ConfigOf(Json json, const Json& evaluation) {
    WriteFileAtomically(folder_.path() / "c.bin", TrainedClassifier());
    json["evaluation"] = evaluation;
    json["evaluation"]["samples"] = 100;
    if (!evaluation.contains("classifier")) {
      json["evaluation"]["classifier"] = (folder_.path() / "c.bin").string();
    }
    return ParseConfig(json, "monitor", "gan");
  }
  static Dataset Data(const Config& config) {
    const Dataset all = SyntheticImages(0, 220);
    if (config.data.digits.empty()) return all;
    Dataset data;
    for (size_t i = 0; i < 220; ++i) {
      const auto& digits = config.data.digits;
      if (std::find(digits.begin(), digits.end(), all.labels[i]) == digits.end()) continue;
      const auto begin = all.pixels.begin() + static_cast<int64_t>(i) * kImagePixels;
      data.pixels.insert(data.pixels.end(), begin, begin + kImagePixels);
      data.labels.push_back(all.labels[i]);
    }
    return data;
  }

  TempFolder folder_;
  std::unique_ptr<Engine> engine_ = MakeCpuEngine();
  Config config_;
  Session session_;
  QualityMonitor monitor_;
};

Quality QualityOf(double value) {
  Quality quality;
  quality.classification.overall = {1000, static_cast<int64_t>(1000 * value)};
  quality.comparison.fid_c = value;
  quality.comparison.neighbourhood = {value, value, value, value};
  return quality;
}

Json WithDigits(Json json, const std::vector<int>& digits) {
  json["data"]["digits"] = digits;
  return json;
}

}  // namespace

TEST_CASE("every metric has its own value", "[quality]") {
  Quality quality;
  quality.classification.overall = {100, 7};
  quality.comparison.fid_c = 2;
  quality.comparison.neighbourhood = {.precision = 3, .recall = 4, .density = 5, .coverage = 6};
  CHECK(ValueOf(BestBy::kS1, quality) == 0.07);
  CHECK(ValueOf(BestBy::kFidC, quality) == 2);
  CHECK(ValueOf(BestBy::kPrecision, quality) == 3);
  CHECK(ValueOf(BestBy::kRecall, quality) == 4);
  CHECK(ValueOf(BestBy::kDensity, quality) == 5);
  CHECK(ValueOf(BestBy::kCoverage, quality) == 6);
}

TEST_CASE("errors and distances get better downwards, shares upwards", "[quality]") {
  for (const std::string metric : {"s1", "fid_c", "precision", "recall", "density", "coverage"}) {
    INFO(metric);
    Monitored monitored(GanJson(true), {{"best", metric}, {"patience", 2}});
    const QualityMonitor& monitor = monitored.monitor();
    const bool lower = metric == "s1" || metric == "fid_c";
    const double worse = lower ? 0.75 : 0.25, better = lower ? 0.25 : 0.75;
    BestEvaluation best;
    CHECK(monitor.IsBest(QualityOf(0.5), 3, best));  // the first is, whatever it is
    CHECK(best.epoch == 3);
    CHECK(best.value == 0.5);
    CHECK_FALSE(monitor.IsBest(QualityOf(0.5), 4, best));
    CHECK(best.since == 1);
    CHECK_FALSE(monitor.ShouldStop(best));
    CHECK(monitor.IsBest(QualityOf(better), 5, best));
    CHECK(best.epoch == 5);
    CHECK(best.value == better);
    CHECK(best.since == 0);
    CHECK_FALSE(monitor.IsBest(QualityOf(0.5), 6, best));
    CHECK_FALSE(monitor.IsBest(QualityOf(worse), 7, best));
    CHECK(best.epoch == 5);
    CHECK(monitor.ShouldStop(best));
  }
  Monitored endless(GanJson(true), Json::object());
  CHECK_FALSE(endless.monitor().ShouldStop({1, 0.5, 1000000}));
}

TEST_CASE("a measurement is of the weights of the moment, the same every time", "[quality]") {
  Monitored monitored(GanJson(true), Json::object());
  const double before = monitored.monitor().Measure().comparison.fid_c;
  CHECK(monitored.monitor().Measure().comparison.fid_c == before);
  for (int step = 0; step < 12; ++step) monitored.session().Step(step);
  const double after = monitored.monitor().Measure().comparison.fid_c;
  CHECK(after != before);
  monitored.session().Initialise();
  CHECK(monitored.monitor().Measure().comparison.fid_c == before);
  CHECK(before > 0);
}

TEST_CASE("the digits of the data are asked for, in turn", "[quality]") {
  Monitored monitored(WithDigits(GanJson(true), {3, 7, 8}), {{"best", "s1"}});
  const Quality quality = monitored.monitor().Measure();
  CHECK(quality.conditional);
  // As many as the data has images of these digits: sets of one size are compared.
  CHECK(quality.classification.overall.samples == 66);
  const std::map<size_t, int64_t> samples{{3, 22}, {7, 22}, {8, 22}};
  for (size_t digit = 0; digit < kDigits; ++digit) {
    const auto found = samples.find(digit);
    CHECK(quality.classification.by_digit[digit].samples ==
          (found == samples.end() ? 0 : found->second));
  }
}

TEST_CASE("S1 needs a generator whose digits are known", "[quality]") {
  const auto unconditional = GanJson(false);
  for (const std::vector<int>& digits : std::vector<std::vector<int>>{{}, {3, 7}}) {
    const Json json = WithDigits(unconditional, digits);
    CheckMentions(MessageOf(ErrorKind::kBadInput,
                            [&] {
                              Monitored monitored(json, {{"best", "s1"}});
                            }),
                  {"/evaluation/best", "\"s1\"", "digits"});
    Monitored monitored(json, Json::object());
    const Quality quality = monitored.monitor().Measure();
    CHECK_FALSE(quality.conditional);
    CHECK(quality.classification.overall.samples == 0);
    CHECK(ToText(quality).find("S1") == std::string::npos);
  }
  Monitored fours(WithDigits(unconditional, {4}), {{"best", "s1"}});
  const Quality quality = fours.monitor().Measure();
  CHECK(quality.conditional);
  CHECK(quality.classification.by_digit[4].samples == 22);
  CHECK(ToText(quality).find("S1") == 0);
}

TEST_CASE("the judge carries the distances, the classifier the errors", "[quality]") {
  const TempFolder folder;
  const std::string judge = (folder.path() / "j.bin").string();
  WriteUntrainedClassifier(judge, 9);
  Monitored alone(GanJson(true), Json::object()), judged(GanJson(true), {{"judge", judge}});
  const Quality a = alone.monitor().Measure(), b = judged.monitor().Measure();
  CHECK(a.classification.confusion == b.classification.confusion);
  CHECK(a.classification.mean_confidence == b.classification.mean_confidence);
  CHECK(a.comparison.fid_c != b.comparison.fid_c);
  CHECK(b.comparison.fid_c > 0);
}

TEST_CASE("what is no classifier cannot evaluate", "[quality]") {
  const TempFolder folder;
  const std::string path = (folder.path() / "g.bin").string();
  WriteGenerator(path, true, 1);
  const auto refusal = [&](const std::string& file) {
    return MessageOf(ErrorKind::kBadInput, [&] {
      Monitored monitored(GanJson(true), {{"classifier", file}});
    });
  };
  CheckMentions(refusal(path), {"g.bin", "no classifier"});
  CheckMentions(refusal(path + ".absent"), {"g.bin.absent"});
}

}  // namespace numeral
