#include "metrics/neighbours.h"

#include <omp.h>

#include <cmath>
#include <limits>

#include "metrics/distances.h"
#include "tests/catch.h"
#include "tests/metrics/fixture_inputs.h"
#include "tests/tolerance.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// Counts divided by counts: a wrong count of the sets here is off by 1e-4 at least.
constexpr Tolerance kCounts{1e-12, 1e-12};
// Up to some dozen squares in single precision, summed in order.
constexpr Tolerance kSquares{0, 4e-6};

Features Set(int size, std::vector<float> values) {
  return {static_cast<int64_t>(values.size()) / size, size, std::move(values)};
}

Features Drawn(uint32_t seed, int64_t count, int size) {
  Draws draw(seed);
  Features features{count, size, {}};
  for (int64_t i = 0; i < count * size; ++i) {
    features.values.push_back(static_cast<float>(draw(30000) - 15000) / 4099);
  }
  return features;
}

void CheckNeighbourhood(const Neighbourhood& actual, const Neighbourhood& expected) {
  CHECK(kCounts.Accepts(actual.precision, expected.precision));
  CHECK(kCounts.Accepts(actual.recall, expected.recall));
  CHECK(kCounts.Accepts(actual.density, expected.density));
  CHECK(kCounts.Accepts(actual.coverage, expected.coverage));
}

TEST_CASE("neighbourhoods agree with the fixtures", "[metrics]") {
  int compared = 0;
  for (const Json& expected : ReadFixtures("features")) {
    const Features real = DrawFeatures(expected["real"]);
    const Features generated = DrawFeatures(expected["generated"]);
    for (const Json& of_k : expected["neighbours"]) {
      const int k = of_k["k"];
      INFO(expected["name"].get<std::string>() << ", k = " << k);
      CheckNeighbourhood(CompareNeighbourhoods(real, generated, k),
                         {of_k["precision"], of_k["recall"], of_k["density"], of_k["coverage"]});
      ++compared;
    }
  }
  CHECK(compared > 40);
}

TEST_CASE("neighbourhoods on a line by hand", "[metrics]") {
  const Features real = Set(1, {0, 1, 3, 10});    // k = 1: radii 1, 1, 2, 7
  const Features generated = Set(1, {2, 5, 20});  // k = 1: radii 3, 3, 15
  // Real balls hold nothing; 2, at the radius; 2 and 5, at the radius; 5. Generated balls hold 0, 1
  // and 3; 3; 10.
  CheckNeighbourhood(CompareNeighbourhoods(real, generated, 1),
                     {.precision = 2.0 / 3, .recall = 1, .density = 4.0 / 3, .coverage = 0.75});
  // k = 2: radii of real 3, 2, 3, 9, holding 2; 2; 2 and 5; 2 and 5. Of generated 18, 15, 18.
  CheckNeighbourhood(CompareNeighbourhoods(real, generated, 2),
                     {.precision = 2.0 / 3, .recall = 1, .density = 1, .coverage = 1});
  // The other way around: now generated balls count, and 20 is in none of real ones.
  CheckNeighbourhood(CompareNeighbourhoods(generated, real, 1),
                     {.precision = 1, .recall = 2.0 / 3, .density = 5.0 / 4, .coverage = 1});
}

TEST_CASE("the default is three neighbours", "[metrics]") {
  const Features real = Drawn(1, 50, 3), generated = Drawn(2, 40, 3);
  CheckNeighbourhood(CompareNeighbourhoods(real, generated),
                     CompareNeighbourhoods(real, generated, 3));
}

TEST_CASE("duplicates are neighbours, the image itself is not", "[metrics]") {
  const Features real = Set(1, {0, 0, 5, 9});    // k = 1: radii 0, 0, 4, 4
  const Features generated = Set(1, {0, 1, 1});  // k = 1: radii 1, 0, 0
  // 0 is in the balls of both zeros; 1 in 5's, at its radius.
  CheckNeighbourhood(CompareNeighbourhoods(real, generated, 1),
                     {.precision = 1, .recall = 0.5, .density = 4.0 / 3, .coverage = 0.75});
}

TEST_CASE("a set covers itself", "[metrics]") {
  const Features set = Drawn(3, 113, 21);
  const Neighbourhood itself = CompareNeighbourhoods(set, set, 2);
  CHECK(itself.precision == 1);
  CHECK(itself.recall == 1);
  CHECK(itself.coverage == 1);
  // Every ball holds its own centre and, at the radius or nearer, two others.
  CHECK(itself.density == 1.5);
}

TEST_CASE("distances are the same bits both ways, wherever the rows are", "[metrics]") {
  const int size = GENERATE(1, 2, 7, 15, 16, 17, 33, 128);
  const int64_t count = GENERATE(1, 5, 6, 7, 15, 16, 17, 95, 97, 130);
  const Features a = Drawn(4, count, size), b = Drawn(5, 19, size);
  std::vector<float> forward(static_cast<size_t>(count * 19), -1.0f), backward(forward);
  distances::ForEachDistance(a, distances::Panels(b),
                             [&](int64_t row, int64_t first, std::span<const float> squared) {
                               for (size_t i = 0; i < squared.size(); ++i)
                                 forward[row * 19 + first + i] = squared[i];
                             });
  distances::ForEachDistance(b, distances::Panels(a),
                             [&](int64_t row, int64_t first, std::span<const float> squared) {
                               for (size_t i = 0; i < squared.size(); ++i)
                                 backward[(first + i) * 19 + row] = squared[i];
                             });
  CHECK(forward == backward);

  int wrong = 0;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < 19; ++j) {
      double expected = 0;
      for (int f = 0; f < size; ++f) expected += std::pow(double{a.Row(i)[f]} - b.Row(j)[f], 2);
      wrong += !kSquares.Accepts(forward[i * 19 + j], expected);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("neighbours far from the origin are told apart", "[metrics]") {
  // Squares of 4000 have steps of 1 in single precision: a^2 + b^2 - 2ab would be rounding alone.
  const Features real = Set(2, {4000, 4000, 4000.25f, 4000, 4000, 4000.5f});
  const Features generated = Set(2, {4000.125f, 4000, 4000, 4000.75f, 4003, 4000});
  // k = 1: radii of real .25, .25, .5, distances to generated .125, .75; .125, .79; .515, .25.
  const Neighbourhood result = CompareNeighbourhoods(real, generated, 1);
  CHECK(kCounts.Accepts(result.density, 1));
  CHECK(kCounts.Accepts(result.precision, 2.0 / 3));
  CHECK(result.coverage == 1);
}

TEST_CASE("neighbourhoods do not depend on the number of threads", "[metrics]") {
  const Features real = Drawn(6, 700, 11), generated = Drawn(7, 500, 11);
  const int threads = omp_get_max_threads();
  Neighbourhood results[2];
  for (const int count : {1, 2}) {
    omp_set_num_threads(count);
    results[count - 1] = CompareNeighbourhoods(real, generated, 5);
  }
  omp_set_num_threads(threads);
  CHECK(results[0].precision == results[1].precision);
  CHECK(results[0].recall == results[1].recall);
  CHECK(results[0].density == results[1].density);
  CHECK(results[0].coverage == results[1].coverage);
  CHECK(results[0].precision > 0.1);
}

TEST_CASE("sets without neighbourhoods are refused", "[metrics]") {
  const Features four = Drawn(8, 4, 2), three = Drawn(9, 3, 2);
  const auto message = [](const Features& real, const Features& generated, int k) {
    return MessageOf(ErrorKind::kBadInput, [&] { CompareNeighbourhoods(real, generated, k); });
  };
  CHECK(CompareNeighbourhoods(four, four, 3).precision == 1);
  CheckMentions(message(three, four, 3), {"3 neighbours need more than 3 real", "there are 3"});
  CheckMentions(message(four, three, 3), {"more than 3 generated", "there are 3"});
  CheckMentions(message(four, {0, 2, {}}, 1), {"more than 1 generated", "there are 0"});
  for (const int k : {-1, 0, kMostNeighbours + 1}) {
    CheckMentions(message(four, four, k), {std::to_string(k) + " neighbours", "1 to 64"});
  }
  CheckMentions(message(four, Drawn(10, 4, 3), 1), {"real images with 2", "ones with 3"});

  const float infinity = std::numeric_limits<float>::infinity();
  for (const float value : {std::nanf(""), infinity, -infinity}) {
    Features bad = four;
    bad.values[5] = value;
    CheckMentions(message(bad, four, 1), {"feature 1 of image 2 of the real images"});
    CheckMentions(message(four, bad, 1), {"feature 1 of image 2 of the generated images"});
  }
  const Features far = Set(2, {0, 0, 1, 0, 3e30f, 0});
  CheckMentions(message(far, four, 1), {"image 2 of the real images", "too far"});
  CheckMentions(message(four, far, 1), {"image 2 of the generated images", "too far"});
}

}  // namespace
}  // namespace numeral
