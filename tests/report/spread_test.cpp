#include "report/spread.h"

#include "tests/catch.h"
#include "tests/report/run_files.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

std::vector<RunRecord> Runs(const TempFolder& folder, const std::vector<std::string>& last_lines) {
  std::vector<RunRecord> runs;
  for (const std::string& line : last_lines) {
    const auto dir = folder.path() / ("run_" + std::to_string(runs.size()));
    WriteRun(dir, kReportedConfig, line + "\n");
    runs.push_back(ReadRun(dir));
  }
  return runs;
}

}  // namespace

TEST_CASE("figures of several runs: mean, deviation of a sample, range", "[report]") {
  const TempFolder folder;
  const auto runs = Runs(
      folder,
      {R"({"epoch":3,"step":24,"d_loss":1.0,"s1":0.01})", R"({"epoch":3,"step":24,"d_loss":2.0})",
       R"({"epoch":3,"step":24,"d_loss":6.0,"s1":0.03})", R"({"epoch":3,"step":24,"kl":0.5})"});
  const std::vector<MetricSpread> spreads = SpreadsOf(runs);
  REQUIRE(spreads.size() == 3);
  CHECK(spreads[0].key == "d_loss");
  CHECK(spreads[0].count == 3);
  CHECK(spreads[0].mean == Approx(3));
  REQUIRE(spreads[0].deviation.has_value());
  CHECK(*spreads[0].deviation == Approx(std::sqrt(7.0)));  // (4 + 1 + 9) / 2
  CHECK(spreads[0].least == 1);
  CHECK(spreads[0].most == 6);
  CHECK(spreads[1].key == "s1");
  CHECK(spreads[1].count == 2);
  CHECK(*spreads[1].deviation == Approx(0.01 * std::sqrt(2.0)));
  CHECK(spreads[2].count == 1);
  CHECK_FALSE(spreads[2].deviation.has_value());

  const Json json = SpreadsJson(spreads);
  CHECK(json["d_loss"]["mean"].get<double>() == Approx(3));
  CHECK(json["kl"]["deviation"].is_null());
  CHECK(json["kl"]["count"] == 1);

  const std::string table = SpreadTable(runs);
  CheckMentions(table, {"run_0", "run_3", "d_loss", "1.0000", "6.0000", "2.6458", "3.00%", "-"});
}

TEST_CASE("a run's evaluation takes no part in the spread of its training", "[report]") {
  const TempFolder folder;
  Runs(folder, {R"({"epoch":3,"step":24,"fid_c":10.0})"});
  WriteBytes(folder.path() / "run_0/evaluation/evaluation.json", R"({"fid_c": 99.0})");
  const std::vector<RunRecord> runs{ReadRun(folder.path() / "run_0")};
  for (const MetricSpread& spread : SpreadsOf(runs)) CHECK(spread.most == 10);
  CHECK(SpreadsOf({}).empty());
  CHECK(SpreadTable({}).empty());
}

}  // namespace numeral
