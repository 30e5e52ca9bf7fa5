#include "metrics/frechet.h"

#include <omp.h>

#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/metrics/fixture_inputs.h"
#include "tests/tolerance.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// Means and covariances of some hundred values in double, summed in another order.
constexpr double kOfSums = 1e-12;
// Distances, as a share of both traces. Rounding leaves an eigenvalue of zero at up to 1e-16 of the
// largest one, the square root makes 1e-8 of it, and there are tens of them: 8e-9 is seen.
constexpr double kOfTraces = 1e-7;
// The same where no eigenvalue is near zero.
constexpr double kOfTracesFullRank = 1e-12;

bool Near(double actual, double expected, double limit) {
  return Tolerance{limit, 0}.Accepts(actual, expected);
}

FeatureStatistics Statistics(std::vector<double> mean, std::vector<double> covariance) {
  return {static_cast<int>(mean.size()), mean, covariance, 100};
}

Features Set(int64_t count, int size, std::vector<float> values) { return {count, size, values}; }

TEST_CASE("Frechet distances agree with the fixtures", "[metrics]") {
  for (const Json& expected : ReadFixtures("features")) {
    INFO(expected["name"].get<std::string>());
    const Features real = DrawFeatures(expected["real"]);
    const Features generated = DrawFeatures(expected["generated"]);
    const FeatureStatistics r = ComputeStatistics(real, "real");
    const FeatureStatistics g = ComputeStatistics(generated, "generated");
    const double traces = Trace(r) + Trace(g), distance = expected["frechet"];
    const bool full_rank = expected["name"] == "ordinary" || expected["name"] == "far apart";
    const double limit = (full_rank ? kOfTracesFullRank : kOfTraces) * traces + kOfSums * distance;
    CHECK(Near(Trace(r), expected["trace_real"], kOfSums * traces));
    CHECK(Near(FrechetDistance(r, g), distance, limit));
    CHECK(Near(FrechetDistance(g, r), distance, limit));
    CHECK(Near(FrechetDistance(r, r), 0, kOfTraces * traces));
    CHECK(FrechetDistance(r, g) >= 0);
    if (expected.contains("relative")) {
      CHECK(Near(RelativeFrechetDistance(FrechetDistance(r, g), r), expected["relative"],
                 limit / Trace(r)));
    }
  }
}

TEST_CASE("statistics of a set by hand", "[metrics]") {
  const Features set = Set(3, 2, {1, 10, 2, 14, 6, 12});
  const FeatureStatistics statistics = ComputeStatistics(set, "real");
  CHECK(statistics.count == 3);
  CHECK(statistics.size == 2);
  CHECK(statistics.mean == std::vector<double>{3, 12});
  CHECK(statistics.covariance == std::vector<double>{7, 1, 1, 4});  // 14, 2 and 8 over 3 - 1
  CHECK(Trace(statistics) == 11);
}

TEST_CASE("a large mean does not swamp the covariance", "[metrics]") {
  const Features set = Set(4, 1, {4194304, 4194305, 4194306, 4194307});
  CHECK(ComputeStatistics(set, "real").covariance[0] == 5.0 / 3);
}

TEST_CASE("Frechet distances by hand", "[metrics]") {
  SECTION("one feature: (difference of means)^2 + (difference of deviations)^2") {
    CHECK(Near(FrechetDistance(Statistics({1}, {9}), Statistics({3}, {4})), 4 + 1, 1e-12));
  }
  SECTION("independent features add up") {
    const FeatureStatistics a = Statistics({0, 0, 0}, {1, 0, 0, 0, 4, 0, 0, 0, 0});
    const FeatureStatistics b = Statistics({1, 0, 2}, {4, 0, 0, 0, 4, 0, 0, 0, 25});
    CHECK(Near(FrechetDistance(a, b), 1 + 4 + 1 + 0 + 25, 1e-7));
  }
  SECTION("covariances that do not commute") {
    // For two features tr M^1/2 = (tr M + 2 det(M)^1/2)^1/2, and tr(S_a S_b) = 10, det = 3 * 4.
    const FeatureStatistics a = Statistics({0, 1}, {2, 1, 1, 2});
    const FeatureStatistics b = Statistics({0, 0}, {1, 0, 0, 4});
    const double expected = 1 + 4 + 5 - 2 * std::sqrt(10 + 2 * std::sqrt(12.0));
    CHECK(Near(FrechetDistance(a, b), expected, 1e-12));
    CHECK(Near(FrechetDistance(b, a), expected, 1e-12));
    CHECK(Near(RelativeFrechetDistance(expected, b), expected / 5, 1e-12));
  }
}

TEST_CASE("the smallest and the constant sets have finite distances", "[metrics]") {
  const FeatureStatistics two = ComputeStatistics(Set(2, 2, {0, 0, 2, 0}), "real");
  const FeatureStatistics constant =
      ComputeStatistics(Set(3, 2, {0.1f, 0.7f, 0.1f, 0.7f, 0.1f, 0.7f}), "generated");
  CHECK(Near(Trace(constant), 0, 1e-30));
  const double expected = (1 - 0.1) * (1 - 0.1) + 0.7 * 0.7 + 2;
  CHECK(Near(FrechetDistance(two, constant), expected, 1e-7));  // 0.1f is not 0.1
  CHECK(Near(FrechetDistance(constant, constant), 0, 1e-15));
}

TEST_CASE("the largest single-precision features have finite distances", "[metrics]") {
  const float huge = std::numeric_limits<float>::max();
  const FeatureStatistics a = ComputeStatistics(Set(3, 2, {huge, 0, -huge, huge, 0, 1}), "real");
  const FeatureStatistics b = ComputeStatistics(Set(2, 2, {-huge, -huge, 0, huge}), "generated");
  const double distance = FrechetDistance(a, b);
  CHECK(std::isfinite(distance));
  CHECK(distance > 0);
}

TEST_CASE("Frechet distances do not depend on the number of threads", "[metrics]") {
  const Json expected = ReadFixtures("features")[0];
  const Features real = DrawFeatures(expected["real"]);
  const Features generated = DrawFeatures(expected["generated"]);
  const int threads = omp_get_max_threads();
  double distances[2];
  for (const int count : {1, 2}) {
    omp_set_num_threads(count);
    distances[count - 1] =
        FrechetDistance(ComputeStatistics(real, "real"), ComputeStatistics(generated, "generated"));
  }
  omp_set_num_threads(threads);
  CHECK(distances[0] == distances[1]);
}

TEST_CASE("sets without a Frechet distance are refused", "[metrics]") {
  const auto message = [](const auto& action) { return MessageOf(ErrorKind::kBadInput, action); };
  for (const int count : {0, 1}) {
    const Features few = Set(count, 2, std::vector<float>(static_cast<size_t>(2 * count)));
    CheckMentions(message([&] { ComputeStatistics(few, "generated"); }),
                  {"generated images", "needs 2 images", "there are " + std::to_string(count)});
  }
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float value : {std::nanf(""), infinity, -infinity}) {
    CheckMentions(message([&] {
                    ComputeStatistics(Set(2, 3, {0, 0, 0, 0, value, 0}), "real");
                  }),
                  {"feature 1 of image 1 of the real images", "not a finite number"});
  }
  MessageOf(ErrorKind::kFailure, [] { ComputeStatistics(Set(2, 2, {1, 2, 3}), "real"); });
  MessageOf(ErrorKind::kFailure, [] { ComputeStatistics(Set(0, 0, {}), "real"); });

  const FeatureStatistics good = Statistics({0, 0}, {1, 0, 0, 1});
  CheckMentions(message([&] { FrechetDistance(good, Statistics({0}, {1})); }),
                {"real images with 2 features", "generated ones with 1"});
  FeatureStatistics bad = good;
  bad.count = 1;
  CheckMentions(message([&] { FrechetDistance(good, bad); }), {"generated images", "there are 1"});
  CheckMentions(message([&] { FrechetDistance(bad, good); }), {"real images", "there are 1"});
  bad = good;
  bad.mean[1] = std::nan("");
  CheckMentions(message([&] { FrechetDistance(bad, good); }), {"real images", "not finite"});
  bad = good;
  bad.covariance[3] = infinity;
  CheckMentions(message([&] { FrechetDistance(good, bad); }), {"generated images", "not finite"});
  CheckMentions(message([] { RelativeFrechetDistance(1, Statistics({0}, {0})); }),
                {"100 real images do not vary"});

  bad = good;
  bad.covariance.pop_back();
  MessageOf(ErrorKind::kFailure, [&] { FrechetDistance(good, bad); });
}

}  // namespace
}  // namespace numeral
