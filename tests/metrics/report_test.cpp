// The names under which figures are known, in JSON and on the table.
#include "metrics/report.h"

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

ClassificationReport Classified(int64_t right, int64_t wrong) {
  ClassificationReport report;
  report.overall = {right + wrong, wrong};
  report.by_digit[3] = report.overall;
  report.confusion[3][3] = right;
  report.confusion[3][8] = wrong;
  report.histogram[3] = right;
  report.histogram[8] = wrong;
  report.kl = 0.125;
  report.mean_confidence = 0.875;
  report.unsure_share = 0.0625;
  report.mean_wanted_probability = 0.75;
  return report;
}

MeasuredImages Measured(double fid_c) {
  MeasuredImages measured;
  measured.by_classifier = Classified(190, 10);
  measured.comparison = {.fid_c = fid_c,
                         .rfid = 0.25,
                         .neighbourhood = {0.5, 0.375, 1.25, 0.625},
                         .variance_ratio = 0.9375};
  measured.nearest_mean = 3.5;
  measured.nearest_least = 1.5;
  return measured;
}

EvaluationResult Result(LabelsFrom from) {
  EvaluationResult result;
  result.classifier = "c.bin";
  result.source = "runs/x/g.bin";
  result.real = "mnist test";
  result.seed = 7;
  result.latent_scale = 1.5;
  result.s0 = Classified(994, 6);
  result.labels_from = from;
  result.generated = Measured(12.5);
  result.training = Measured(0.75);
  return result;
}

Json JsonOf(const EvaluationResult& result) { return Json::parse(ToJsonText(result)); }

}  // namespace

TEST_CASE("the figures are in the JSON by their names", "[metrics]") {
  EvaluationResult result = Result(LabelsFrom::kCondition);
  result.generated->cas = 0.9375;
  const Json json = JsonOf(result);
  CHECK(json["classifier"] == "c.bin");
  CHECK(json["generator"] == "runs/x/g.bin");
  CHECK(json["real"] == "mnist test");
  CHECK(json["seed"] == 7);
  CHECK(json["latent_scale"] == 1.5);
  CHECK(json["s0"]["samples"] == 1000);
  CHECK(json["s0"]["errors"] == 6);
  CHECK(json["s0"]["error_rate"] == 0.006);
  CHECK(json["s1"]["samples"] == 200);
  CHECK(json["s1"]["errors"] == 10);
  CHECK(json["s1"]["error_rate"] == 0.05);
  CHECK(json["s1"]["labels_from"] == "condition");
  REQUIRE(json["s1"]["per_digit"].size() == kDigits);
  CHECK(json["s1"]["per_digit"][3] == 0.05);
  CHECK(json["s1"]["per_digit"][8] == 0);
  CHECK(json["s1"]["confusion"][3][8] == 10);
  CHECK(json["s1"]["confusion"][8][3] == 0);
  CHECK(json["s1"]["interval_95"][0] < 0.05);
  CHECK(json["s1"]["interval_95"][1] > 0.05);
  const std::pair<const char*, double> figures[] = {{"fid_c", 12.5},
                                                    {"rfid", 0.25},
                                                    {"precision", 0.5},
                                                    {"recall", 0.375},
                                                    {"density", 1.25},
                                                    {"coverage", 0.625},
                                                    {"kl", 0.125},
                                                    {"confidence", 0.875},
                                                    {"cas", 0.9375},
                                                    {"unsure_share", 0.0625},
                                                    {"variance_ratio", 0.9375}};
  for (const auto& [key, value] : figures) {
    INFO(key);
    CHECK(json[key] == value);
    CHECK(json["real_training_images"].contains(key));
  }
  CHECK(json["real_training_images"]["fid_c"] == 0.75);
  CHECK(json["real_training_images"]["cas"].is_null());
  CHECK(json["nearest_training_image"]["mean"] == 3.5);
  CHECK(json["nearest_training_image"]["least"] == 1.5);
  CHECK_FALSE(json.contains("disagreement"));
}

TEST_CASE("a labeler's digits are disagreement and not S1", "[metrics]") {
  EvaluationResult result = Result(LabelsFrom::kLabeler);
  result.labeler = "other.bin";
  const Json json = JsonOf(result);
  REQUIRE(json.contains("s1"));
  CHECK(json["s1"].is_null());
  CHECK(json["disagreement"]["errors"] == 10);
  CHECK(json["disagreement"]["labels_from"] == "labeler");
  const std::string table = ToTable(result);
  CheckMentions(table, {"disagreement with other.bin", "runs/x/g.bin", "10 of 200 wrong"});
  CHECK(table.find("S1") == std::string::npos);
}

TEST_CASE("without digits there is neither", "[metrics]") {
  const EvaluationResult result = Result(LabelsFrom::kNobody);
  const Json json = JsonOf(result);
  CHECK(json["s1"].is_null());
  CHECK_FALSE(json.contains("disagreement"));
  CHECK(json["histogram"][8] == 10);
  const std::string table = ToTable(result);
  CheckMentions(table, {"S1  not known", "nobody asked runs/x/g.bin", "digits read"});
  CHECK(table.find("wanted") == std::string::npos);
}

TEST_CASE("where digits are known it is said by whom", "[metrics]") {
  for (const auto& [from, name] :
       {std::pair(LabelsFrom::kFolders, "folders"), std::pair(LabelsFrom::kDigit, "digit")}) {
    CHECK(JsonOf(Result(from))["s1"]["labels_from"] == name);
  }
}

TEST_CASE("the table shows generated beside real", "[metrics]") {
  EvaluationResult result = Result(LabelsFrom::kCondition);
  result.judge = "j.bin";
  result.s0_judge = Classified(990, 10);
  result.generated->by_judge = Classified(180, 20);
  const std::string table = ToTable(result);
  CheckMentions(table, {"S0  c.bin on mnist test: 6 of 1,000 wrong, 0.60%", "j.bin: 10 of 1,000",
                        "S1  runs/x/g.bin: 10 of 200 wrong, 5.00%", "j.bin: 20 of 200",
                        "12.50        0.75   lower", "precision", "recall", "density", "coverage",
                        "class KL", "nearest training image", "wanted"});
  const Json json = JsonOf(result);
  CHECK(json["judge"] == "j.bin");
  CHECK(json["s0"]["by_judge"]["errors"] == 10);
  CHECK(json["s1"]["by_judge"]["errors"] == 20);
}

TEST_CASE("what was not measured is left out", "[metrics]") {
  EvaluationResult result = Result(LabelsFrom::kCondition);
  result.generated->comparison.reset();
  Json json = JsonOf(result);
  for (const char* key : {"fid_c", "rfid", "precision", "recall", "density", "coverage"}) {
    CHECK_FALSE(json.contains(key));
  }
  CHECK(json["kl"] == 0.125);
  CheckMentions(ToTable(result), {"-        0.75   lower"});
  result.generated.reset();
  json = JsonOf(result);
  CHECK(json["s0"]["errors"] == 6);
  CHECK_FALSE(json.contains("s1"));
  const std::string table = ToTable(result);
  CheckMentions(table, {"S0"});
  CHECK(table.find("S1") == std::string::npos);
}

}  // namespace numeral
