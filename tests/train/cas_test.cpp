// The classification accuracy score tells images to learn from and others apart.
#include "train/cas.h"

#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "util/random.h"

namespace numeral {
namespace {

// A share of the metric's 1,482 steps.
double Score(const Dataset& images, int64_t steps) {
  const auto engine = MakeCpuEngine();
  double last = 0;
  int64_t calls = 0;
  const double score = ClassificationAccuracyScore(
      images, SyntheticImages(260, 110), *engine, 1,
      [&](double share) {
        CHECK(share > last);
        last = share;
        ++calls;
      },
      steps);
  CHECK(last == 1);
  CHECK(calls == steps);
  return score;
}

}  // namespace

TEST_CASE("images to learn from score high, those with other labels by chance", "[cas]") {
  Dataset images = SyntheticImages(0, 260);
  const double score = Score(images, 50);
  CHECK(score > 0.9);
  CHECK(score <= 1);
  CHECK(Score(images, 6) == Score(images, 6));
  for (size_t i = 0; i < images.labels.size(); ++i) {
    images.labels[i] = static_cast<uint8_t>(DrawBits(3, 1, 0, i) % 10);
  }
  const double shuffled = Score(images, 50);
  CHECK(shuffled < 0.4);
  CHECK(shuffled >= 0);
}

TEST_CASE("too few images to learn from are refused", "[cas]") {
  const auto engine = MakeCpuEngine();
  const Dataset test = SyntheticImages(0, 10);
  const auto ignore = [](double) {};
  CheckMentions(
      MessageOf(
          ErrorKind::kBadInput,
          [&] { ClassificationAccuracyScore(SyntheticImages(0, 127), test, *engine, 1, ignore); }),
      {"128", "127"});
  const double score =
      ClassificationAccuracyScore(SyntheticImages(0, 128), test, *engine, 1, ignore, 1);
  CHECK((score >= 0 && score <= 1));
}

}  // namespace numeral
