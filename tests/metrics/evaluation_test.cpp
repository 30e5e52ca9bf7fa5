// Sets of images before their judges.
#include "metrics/evaluation.h"

#include <cmath>
#include <set>

#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"
#include "util/random.h"

namespace numeral {
namespace {

// Image i has the number i in its first two pixels and the label i % 10.
Dataset Numbered(int count) {
  Dataset data;
  data.name = "numbered";
  data.pixels.resize(static_cast<size_t>(count) * kImagePixels);
  for (int i = 0; i < count; ++i) {
    data.labels.push_back(static_cast<uint8_t>(i % 10));
    data.pixels[static_cast<size_t>(i) * kImagePixels] = static_cast<uint8_t>(i & 255);
    data.pixels[static_cast<size_t>(i) * kImagePixels + 1] = static_cast<uint8_t>(i >> 8);
  }
  return data;
}

int NumberOf(const Dataset& data, int64_t i) {
  const auto* pixels = data.pixels.data() + i * kImagePixels;
  return pixels[0] + 256 * pixels[1];
}

Features Drawn(int64_t count, int size, uint64_t seed) {
  Features features{count, size, {}};
  for (int64_t i = 0; i < count * size; ++i) {
    features.values.push_back(DrawNormal(seed, 1, 0, static_cast<uint64_t>(i)));
  }
  return features;
}

}  // namespace

TEST_CASE("drawn images are different ones with their labels", "[metrics]") {
  const Dataset data = Numbered(1003);
  std::set<int> of_first;
  for (const uint64_t seed : {1, 2}) {
    const Dataset drawn = DrawImages(data, 301, seed);
    REQUIRE(drawn.count() == 301);
    REQUIRE(drawn.pixels.size() == 301u * kImagePixels);
    CHECK(drawn.name == data.name);
    std::set<int> numbers;
    for (int64_t i = 0; i < 301; ++i) {
      const int number = NumberOf(drawn, i);
      CHECK(drawn.labels[static_cast<size_t>(i)] == number % 10);
      numbers.insert(number);
    }
    CHECK(numbers.size() == 301);
    CHECK(*numbers.rbegin() > 900);  // from all over
    if (seed == 1) of_first = numbers;
    if (seed == 2) CHECK(numbers != of_first);
    CHECK(DrawImages(data, 301, seed).pixels == drawn.pixels);
    // Fewer are the first of more.
    const Dataset few = DrawImages(data, 7, seed);
    for (int64_t i = 0; i < 7; ++i) CHECK(NumberOf(few, i) == NumberOf(drawn, i));
  }
  for (const int64_t count : {1003, 1004, 1000000}) {
    CHECK(DrawImages(data, count, 1).pixels == data.pixels);
    CHECK(DrawImages(data, count, 1).labels == data.labels);
  }
  CHECK(DrawImages(data, 0, 1).count() == 0);
}

TEST_CASE("a set compared with itself is perfect", "[metrics]") {
  const Features features = Drawn(61, 5, 3);
  const Comparison same = Compare(AsReal(features), features);
  CHECK(std::abs(same.fid_c) < 1e-6);
  CHECK(std::abs(same.rfid) < 1e-6);
  CHECK(same.neighbourhood.precision == 1);
  CHECK(same.neighbourhood.recall == 1);
  CHECK(same.neighbourhood.coverage == 1);
  CHECK(same.neighbourhood.density == Approx(4.0 / 3));  // itself and three neighbours
  CHECK(same.variance_ratio == 1);
}

TEST_CASE("moved and stretched sets are as far away as they were moved", "[metrics]") {
  const Features features = Drawn(61, 5, 3);
  const RealImages real = AsReal(features);
  const double variance = Trace(real.statistics);
  Features moved = features, stretched = features;
  for (size_t i = 0; i < moved.values.size(); ++i) {
    if (i % 5 == 2) moved.values[i] += 30;
    const double mean = real.statistics.mean[i % 5];
    stretched.values[i] = static_cast<float>(mean + 2 * (features.values[i] - mean));
  }
  const Comparison far = Compare(real, moved);
  CHECK(far.fid_c == Approx(900).epsilon(1e-5));
  CHECK(far.rfid == Approx(900 / variance).epsilon(1e-5));
  CHECK(far.variance_ratio == Approx(1).epsilon(1e-5));
  CHECK(far.neighbourhood.precision == 0);
  CHECK(far.neighbourhood.coverage == 0);
  const Comparison wide = Compare(real, stretched);
  CHECK(wide.fid_c == Approx(variance).epsilon(1e-5));  // of deviations d and 2d: d^2
  CHECK(wide.variance_ratio == Approx(4).epsilon(1e-5));
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { Compare(real, Drawn(3, 5, 1)); }), {"3"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { Compare(real, Drawn(9, 4, 1)); }), {"4"});
}

TEST_CASE("the judge's features are taken where there is one", "[metrics]") {
  const TempFolder folder;
  const std::string c = (folder.path() / "c.bin").string(), j = (folder.path() / "j.bin").string();
  WriteFileAtomically(c, TrainedClassifier());
  WriteUntrainedClassifier(j, 2);
  const auto engine = MakeCpuEngine();
  const Dataset images = SyntheticImages(0, 33);
  Judges alone(c, "", *engine), both(c, j, *engine);
  CHECK_FALSE(alone.has_judge());
  CHECK(&alone.judge() == &alone.classifier());
  CHECK(both.has_judge());
  Classifier classifier(LoadWeights(c), *engine), judge(LoadWeights(j), *engine);
  const Readings by_c = classifier.Read(images.pixels), by_j = judge.Read(images.pixels);
  const JudgedSet one = Judge(alone, images.pixels), two = Judge(both, images.pixels);
  CHECK(one.features.count == 33);
  CHECK(one.features.size == 24);
  CHECK(one.features.values == by_c.features);
  CHECK(one.by_judge.digits.empty());
  CHECK(two.features.values == by_j.features);
  CHECK(two.by_judge.digits == by_j.digits);
  CHECK(two.by_classifier.digits == by_c.digits);
  CHECK(one.by_classifier.probabilities == by_c.probabilities);
}

}  // namespace numeral
