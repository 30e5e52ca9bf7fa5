#include "metrics/nearest.h"

#include <omp.h>

#include <cmath>

#include "tests/catch.h"
#include "tests/metrics/fixture_inputs.h"
#include "tests/tolerance.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// A square root and a division of an exact integer in double.
constexpr Tolerance kRooted{0, 1e-15};

std::vector<uint8_t> Constant(uint8_t value) {
  return std::vector<uint8_t>(static_cast<size_t>(kImagePixels), value);
}

TEST_CASE("nearest images agree with the fixtures", "[metrics]") {
  for (const Json& expected : ReadFixtures("nearest")) {
    const DrawnImages drawn =
        DrawImages(expected["seed"], expected["training"], expected["images"]);
    const NearestImages nearest = FindNearestImages(drawn.images, drawn.training);
    CHECK(nearest.index == expected["index"].get<std::vector<int64_t>>());
    REQUIRE(nearest.distance.size() == expected["squared"].size());
    for (size_t i = 0; i < nearest.distance.size(); ++i) {
      const double squared = expected["squared"][i];
      CHECK(kRooted.Accepts(nearest.distance[i], std::sqrt(squared / (255.0 * 255.0))));
    }
  }
}

TEST_CASE("the extremes of distance are exact", "[metrics]") {
  CHECK(FindNearestImages(Constant(0), Constant(255)).distance == std::vector<double>{28});
  CHECK(FindNearestImages(Constant(255), Constant(0)).distance == std::vector<double>{28});
  CHECK(FindNearestImages(Constant(77), Constant(77)).distance == std::vector<double>{0});
}

TEST_CASE("every pixel counts", "[metrics]") {
  int wrong = 0;
  for (int pixel = 0; pixel < kImagePixels; ++pixel) {
    std::vector<uint8_t> image = Constant(0);
    image[static_cast<size_t>(pixel)] = 51;
    wrong += FindNearestImages(image, Constant(0)).distance[0] != 0.2;
  }
  CHECK(wrong == 0);
}

TEST_CASE("the first of several nearest images is named", "[metrics]") {
  std::vector<uint8_t> training;
  for (const uint8_t value : {9, 4, 6, 4, 6}) {
    training.insert(training.end(), kImagePixels, value);
  }
  CHECK(FindNearestImages(Constant(5), training).index == std::vector<int64_t>{1});
  CHECK(FindNearestImages(Constant(7), training).index == std::vector<int64_t>{2});
}

TEST_CASE("nearest images do not depend on the number of threads", "[metrics]") {
  const DrawnImages drawn = DrawImages(3, 90, 70);
  const int threads = omp_get_max_threads();
  NearestImages results[2];
  for (const int count : {1, 2}) {
    omp_set_num_threads(count);
    results[count - 1] = FindNearestImages(drawn.images, drawn.training);
  }
  omp_set_num_threads(threads);
  CHECK(results[0].index == results[1].index);
  CHECK(results[0].distance == results[1].distance);
}

TEST_CASE("no images have no neighbours, no training images are refused", "[metrics]") {
  const NearestImages none = FindNearestImages({}, Constant(1));
  CHECK(none.index.empty());
  CHECK(none.distance.empty());
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { FindNearestImages(Constant(1), {}); }),
                {"no training image"});
  const std::vector<uint8_t> part(100);
  MessageOf(ErrorKind::kFailure, [&] { FindNearestImages(part, Constant(1)); });
  MessageOf(ErrorKind::kFailure, [&] { FindNearestImages(Constant(1), part); });
}

}  // namespace
}  // namespace numeral
