#include "metrics/classification.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/metrics/fixture_inputs.h"
#include "tests/tolerance.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// Sums of some hundred shares of 1 in double, in another order; logarithms of shares.
constexpr Tolerance kShares{1e-12, 1e-12};
// The roots of a quadratic equation by numpy: near a double root they lose some digits.
constexpr Tolerance kRoots{1e-9, 1e-9};

JudgedImages Judged(const DrawnJudgement& drawn) {
  return {drawn.wanted, drawn.given, drawn.probabilities};
}

// All probability on the given digits but for `sure`; the rest is equal.
DrawnJudgement Judgement(std::vector<int> wanted, std::vector<int> given, std::vector<float> sure) {
  DrawnJudgement drawn{std::move(wanted), std::move(given), {}};
  for (size_t i = 0; i < drawn.given.size(); ++i) {
    for (int digit = 0; digit < kDigits; ++digit) {
      drawn.probabilities.push_back(digit == drawn.given[i] ? sure[i] : (1 - sure[i]) / 9);
    }
  }
  return drawn;
}

TEST_CASE("reports agree with the fixtures", "[metrics]") {
  for (const Json& expected : ReadFixtures("classification")) {
    const DrawnJudgement drawn = DrawJudgement(expected["seed"], expected["count"]);
    REQUIRE(drawn.given == expected["given"].get<std::vector<int>>());
    const ClassificationReport report = SummarizeClassification(Judged(drawn));
    CHECK(report.overall.samples == expected["count"].get<int64_t>());
    CHECK(report.overall.errors == expected["errors"].get<int64_t>());
    const auto [low, high] = report.overall.Wilson95();
    CHECK(kRoots.Accepts(low, expected["wilson"][0]));
    CHECK(kRoots.Accepts(high, expected["wilson"][1]));
    std::array<int64_t, kDigits> columns{};
    for (int wanted = 0; wanted < kDigits; ++wanted) {
      CHECK(report.by_digit[wanted].samples == expected["by_digit"][wanted][0].get<int64_t>());
      CHECK(report.by_digit[wanted].errors == expected["by_digit"][wanted][1].get<int64_t>());
      for (int given = 0; given < kDigits; ++given) {
        const auto images = expected["confusion"][wanted][given].get<int64_t>();
        CHECK(report.confusion[wanted][given] == images);
        columns[given] += images;
      }
    }
    CHECK(report.histogram == columns);
    CHECK(kShares.Accepts(report.kl, expected["kl"]));
    CHECK(kShares.Accepts(report.mean_confidence, expected["mean_confidence"]));
    CHECK(kShares.Accepts(report.unsure_share, expected["unsure_share"]));
    CHECK(kShares.Accepts(report.mean_wanted_probability, expected["mean_wanted_probability"]));
    CHECK(MostConfidentlyWrong(Judged(drawn), 12) ==
          expected["most_confidently_wrong"].get<std::vector<int64_t>>());
  }
}

TEST_CASE("Wilson's interval of known shares", "[metrics]") {
  // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I.
  const auto rounded = [](double share) { return std::round(share * 1e4) / 1e4; };
  const auto check = [&](int64_t errors, int64_t samples, double low, double high) {
    const ErrorRate rate{samples, errors};
    CHECK(rounded(rate.Wilson95().first) == low);
    CHECK(rounded(rate.Wilson95().second) == high);
    CHECK(rate.rate() == static_cast<double>(errors) / static_cast<double>(samples));
  };
  check(81, 263, 0.2553, 0.3662);
  check(15, 148, 0.0624, 0.1605);
  check(0, 20, 0, 0.1611);
  check(1, 29, 0.0061, 0.1718);
  CHECK(ErrorRate{}.Wilson95() == std::pair<double, double>(0, 1));
  CHECK(ErrorRate{}.rate() == 0);
  CHECK(ErrorRate{10000, 0}.Wilson95().first == 0);
  CHECK(ErrorRate{7, 7}.Wilson95().second == 1);
}

TEST_CASE("divergence from equal shares", "[metrics]") {
  const auto kl = [](std::vector<int> given) {
    const std::vector<float> sure(given.size(), 1.0f);
    return SummarizeClassification(Judged(Judgement({}, given, sure))).kl;
  };
  CHECK(kl({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) == 0);
  CHECK(kShares.Accepts(kl({4, 4, 4}), std::log(10)));  // a generator of one digit
  CHECK(kShares.Accepts(kl({0, 1, 2, 3, 4}), std::log(2)));
}

TEST_CASE("without wanted digits only the given ones are counted", "[metrics]") {
  const DrawnJudgement drawn = Judgement({}, {3, 3, 8, 0}, {0.9f, 0.5f, 1.0f, 0.8999f});
  const ClassificationReport report = SummarizeClassification(Judged(drawn));
  CHECK(report.overall.samples == 0);
  CHECK(report.by_digit[3].samples == 0);
  CHECK(report.confusion[3][3] == 0);
  CHECK(report.mean_wanted_probability == 0);
  CHECK(report.histogram == std::array<int64_t, kDigits>{1, 0, 0, 2, 0, 0, 0, 0, 1, 0});
  CHECK(report.unsure_share == 0.5);  // 0.9 itself is sure
  CHECK(Tolerance{1e-7, 0}.Accepts(report.mean_confidence, (0.9 + 0.5 + 1.0 + 0.8999) / 4));
  CHECK(MostConfidentlyWrong(Judged(drawn), 5).empty());
}

TEST_CASE("no images give zeros", "[metrics]") {
  const ClassificationReport report = SummarizeClassification({});
  CHECK(report.overall.samples == 0);
  CHECK(report.kl == 0);
  CHECK(report.mean_confidence == 0);
  CHECK(report.unsure_share == 0);
  CHECK(MostConfidentlyWrong({}, 5).empty());
}

TEST_CASE("wrong images come by confidence, ties by index", "[metrics]") {
  const DrawnJudgement drawn =
      Judgement({1, 1, 1, 1, 1, 1}, {2, 1, 3, 4, 5, 6}, {0.5f, 1.0f, 0.8f, 0.5f, 0.95f, 0.5f});
  const JudgedImages images = Judged(drawn);
  CHECK(MostConfidentlyWrong(images, 10) == std::vector<int64_t>{4, 2, 0, 3, 5});
  CHECK(MostConfidentlyWrong(images, 4) == std::vector<int64_t>{4, 2, 0, 3});
  CHECK(MostConfidentlyWrong(images, 0).empty());
}

TEST_CASE("digits and probabilities that are none are refused", "[metrics]") {
  const DrawnJudgement good = Judgement({1, 2}, {1, 2}, {1.0f, 1.0f});
  const auto refused = [](const DrawnJudgement& drawn, std::initializer_list<std::string> parts) {
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { SummarizeClassification(Judged(drawn)); }),
                  parts);
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { MostConfidentlyWrong(Judged(drawn), 1); }),
                  parts);
  };
  for (const int digit : {-1, 10}) {
    DrawnJudgement wrong = good;
    wrong.wanted[1] = digit;
    refused(wrong, {"wanted digit of image 1 is " + std::to_string(digit), "0 to 9"});
    wrong = good;
    wrong.given[0] = digit;
    refused(wrong, {"given digit of image 0 is " + std::to_string(digit), "0 to 9"});
  }
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float value : {std::nanf(""), infinity, -infinity, -0.1f, 7.5f}) {
    DrawnJudgement wrong = good;
    wrong.probabilities[13] = value;
    refused(wrong, {"probability of digit 3 for image 1", "not within 0 and 1"});
  }

  DrawnJudgement uneven = good;
  uneven.wanted.pop_back();
  MessageOf(ErrorKind::kFailure, [&] { SummarizeClassification(Judged(uneven)); });
  uneven = good;
  uneven.probabilities.pop_back();
  MessageOf(ErrorKind::kFailure, [&] { SummarizeClassification(Judged(uneven)); });
  MessageOf(ErrorKind::kFailure, [&] { MostConfidentlyWrong(Judged(good), -1); });
}

}  // namespace
}  // namespace numeral
