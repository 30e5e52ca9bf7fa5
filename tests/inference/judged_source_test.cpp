// What a classifier lets through, against a few lines that sort the same stream of images.
#include <cmath>
#include <functional>
#include <set>

#include "inference/digit_source.h"
#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/inference/linear_classifier.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/random.h"

namespace numeral {
namespace {

// What image `number` of a seed's stream shows, and how brightly, where `asked` was wanted.
struct Shown {
  int digit;
  uint8_t grey;
};
using Script = std::function<Shown(int64_t number, int32_t asked, uint64_t seed)>;

constexpr double kConfidence = 0.8;

std::vector<uint8_t> Picture(const Shown& shown, int64_t number) {
  std::vector<uint8_t> image(kImagePixels);
  image[static_cast<size_t>(shown.digit)] = shown.grey;
  for (int i = 0; i < 4; ++i) image[static_cast<size_t>(100 + i)] = (number >> 8 * i) & 0xff;
  return image;
}

// Draws pictures by a script, and remembers what it was asked. Latents are number and seed.
class Scripted : public DigitSource {
 public:
  Scripted(bool knows, Script script) : knows_(knows), script_(std::move(script)) {}

  bool KnowsDigits() const override { return knows_; }
  bool NeedsDigits() const override { return knows_; }
  int64_t latent_size() const override { return 2; }
  void Restart(uint64_t seed) override {
    seed_ = seed;
    drawn = 0;
  }
  DrawnDigits Draw(std::span<const int32_t> digits) override {
    asked.emplace_back(digits.begin(), digits.end());
    DrawnDigits images;
    for (const int32_t digit : digits) {
      images.Append({Picture(script_(drawn, digit, seed_), drawn),
                     {knows_ ? digit : kAnyDigit},
                     {static_cast<float>(drawn), static_cast<float>(seed_)}});
      ++drawn;
    }
    return images;
  }
  std::vector<uint8_t> Render(std::span<const float> latents,
                              std::span<const int32_t> digits) override {
    return std::vector<uint8_t>(latents.size() + digits.size(), 7);
  }

  int64_t drawn = 0;
  std::vector<std::vector<int32_t>> asked;

 private:
  bool knows_;
  Script script_;
  uint64_t seed_ = 1;
};

// Nine digits, and now and then a 7, some of them too faint to be sure of.
Shown Mixed(int64_t number, int32_t, uint64_t seed) {
  const auto at = static_cast<uint64_t>(number);
  const auto digit = static_cast<int>(DrawBits(seed, 1, 0, at) % 10);
  const bool rare = digit == 7 && DrawBits(seed, 2, 0, at) % 4 != 0;
  return {rare ? 2 : digit, static_cast<uint8_t>(DrawBits(seed, 3, 0, at) % 256)};
}

struct Made {
  std::unique_ptr<Engine> engine = MakeCpuEngine({.poison = true});
  Scripted* inner;
  std::unique_ptr<DigitSource> source;

  explicit Made(Script script = Mixed, bool knows = false, double confidence = kConfidence) {
    auto scripted = std::make_unique<Scripted>(knows, std::move(script));
    inner = scripted.get();
    source = JudgedSource(std::move(scripted),
                          Classifier(LinearClassifier(), LinearClassifierValues(), *engine, "test"),
                          confidence);
  }
  DrawnDigits Draw(const std::vector<int32_t>& digits) { return source->Draw(digits); }
};

// The numbers of the images that should come for some wishes, by going through the stream of
// Mixed and taking for each wish the first image that no one has.
class Reference {
 public:
  explicit Reference(uint64_t seed = 1) : seed_(seed) {}

  std::vector<int64_t> Take(const std::vector<int32_t>& wishes) {
    std::vector<int64_t> numbers;
    for (const int32_t wish : wishes) {
      int64_t number = 0;
      while (taken_.contains(number) || !Fits(number, wish)) ++number;
      taken_.insert(number);
      numbers.push_back(number);
    }
    return numbers;
  }

 private:
  bool Fits(int64_t number, int32_t wish) {
    while (static_cast<int64_t>(readings_.size()) <= number) {
      const auto next = static_cast<int64_t>(readings_.size());
      readings_.push_back(ReadLinearly(Picture(Mixed(next, kAnyDigit, seed_), next).data()));
      // Nothing here hangs on the last bit of a float.
      REQUIRE(std::abs(readings_.back().probability - kConfidence) > 1e-5);
    }
    const LinearReading& reading = readings_[static_cast<size_t>(number)];
    return reading.probability >= kConfidence && (wish == kAnyDigit || wish == reading.digit);
  }

  uint64_t seed_;
  std::set<int64_t> taken_;
  std::vector<LinearReading> readings_;  // of the stream so far
};

std::vector<int64_t> Numbers(const DrawnDigits& drawn) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i < drawn.latents.size(); i += 2) {
    numbers.push_back(static_cast<int64_t>(drawn.latents[i]));
  }
  return numbers;
}

// The images are those of the numbers, and their digits those that are seen in them.
void CheckDrawn(const DrawnDigits& drawn, const std::vector<int64_t>& numbers, uint64_t seed = 1) {
  CHECK(Numbers(drawn) == numbers);
  REQUIRE(drawn.digits.size() == numbers.size());
  std::vector<uint8_t> pixels;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const Shown shown = Mixed(numbers[i], kAnyDigit, seed);
    const std::vector<uint8_t> image = Picture(shown, numbers[i]);
    pixels.insert(pixels.end(), image.begin(), image.end());
    CHECK(drawn.digits[i] == shown.digit);
    CHECK(drawn.latents[2 * i + 1] == static_cast<float>(seed));
  }
  CHECK((drawn.pixels == pixels));
}

std::vector<int32_t> Any(size_t count) { return std::vector<int32_t>(count, kAnyDigit); }

// Of 0 to 9, in no order.
std::vector<int32_t> Wishes(size_t count) {
  std::vector<int32_t> wishes;
  for (size_t i = 0; i < count; ++i) {
    wishes.push_back(static_cast<int32_t>(DrawBits(9, 9, 0, i) % 10));
  }
  return wishes;
}

}  // namespace

TEST_CASE("whatever is sure comes in the order of the stream", "[inference]") {
  Made made;
  Reference reference;
  for (const size_t count : {size_t{7}, size_t{1}, size_t{250}, size_t{0}, size_t{500}}) {
    CheckDrawn(made.Draw(Any(count)), reference.Take(Any(count)));
  }
  CHECK(made.source->KnowsDigits());
  CHECK_FALSE(made.source->NeedsDigits());
  CHECK(made.source->latent_size() == 2);
  CHECK(made.source->Render(std::vector<float>(4), std::vector<int32_t>(2)).size() == 6);
}

TEST_CASE("wanted digits come, each image once", "[inference]") {
  Made made;
  Reference reference;
  for (const size_t count : {size_t{1}, size_t{12}, size_t{300}}) {
    CheckDrawn(made.Draw(Wishes(count)), reference.Take(Wishes(count)));
    CheckDrawn(made.Draw(Any(5)), reference.Take(Any(5)));
  }
  // More than are found at once.
  CheckDrawn(made.Draw(Wishes(2'500)), reference.Take(Wishes(2'500)));
  CheckDrawn(made.Draw(Any(40)), reference.Take(Any(40)));
}

TEST_CASE("wanted digits do not go to those who take any", "[inference]") {
  Made made;
  made.Draw({9});  // leaves others waiting
  std::set<int64_t> seen;
  for (int round = 0; round < 30; ++round) {
    const std::vector<int32_t> wishes{kAnyDigit, 3, kAnyDigit, kAnyDigit, 0, 3, 8, kAnyDigit};
    const DrawnDigits drawn = made.Draw(wishes);
    REQUIRE(drawn.digits.size() == wishes.size());
    for (size_t i = 0; i < wishes.size(); ++i) {
      if (wishes[i] != kAnyDigit) CHECK(drawn.digits[i] == wishes[i]);
    }
    for (const int64_t number : Numbers(drawn)) CHECK(seen.insert(number).second);
  }

  // A 3 is found first, and must not be counted for both.
  Made scarce([](int64_t number, int32_t, uint64_t) {
    return Shown{number == 10 ? 3 : 5, static_cast<uint8_t>(number % 290 == 10 ? 255 : 20)};
  });
  CHECK(Numbers(scarce.Draw({kAnyDigit, 3})) == std::vector<int64_t>{300, 10});
}

TEST_CASE("a new beginning brings the same again", "[inference]") {
  Made made;
  const DrawnDigits first = made.Draw(Wishes(90));
  made.Draw(Any(3));
  made.source->Restart(1);
  CHECK(Numbers(made.Draw(Wishes(90))) == Numbers(first));
  made.source->Restart(2);
  Reference reference(2);
  CheckDrawn(made.Draw(Wishes(90)), reference.Take(Wishes(90)), 2);
}

TEST_CASE("of a source that knows digits only what is wanted is asked", "[inference]") {
  // Every other image is of the next digit, every fifth is faint.
  Made made(
      [](int64_t number, int32_t asked, uint64_t) {
        const int digit = asked == kAnyDigit ? 4 : asked;
        return Shown{number % 2 == 0 ? digit : (digit + 1) % 10,
                     static_cast<uint8_t>(number % 5 == 0 ? 20 : 250)};
      },
      true);
  CHECK(made.source->NeedsDigits());
  const DrawnDigits drawn = made.Draw({3, 5, 3});
  CHECK(drawn.digits == std::vector<int32_t>{3, 5, 3});
  REQUIRE(made.inner->asked.size() == 1);
  const std::vector<int32_t>& asked = made.inner->asked[0];
  REQUIRE(asked.size() == 250);  // as many as cost no more than three
  CHECK(std::abs(std::count(asked.begin(), asked.end(), 3) - 167) <= 1);
  CHECK(std::abs(std::count(asked.begin(), asked.end(), 5) - 83) <= 1);
  for (const int64_t number : Numbers(drawn)) {
    CHECK(number % 2 == 0);
    CHECK(number % 5 != 0);
  }
  // What was found beyond that waits; a 4 was never asked for.
  CHECK(made.Draw({5, 3, 3, 5}).digits == std::vector<int32_t>{5, 3, 3, 5});
  CHECK(made.inner->asked.size() == 1);
  CHECK(made.Draw({4}).digits == std::vector<int32_t>{4});
  REQUIRE(made.inner->asked.size() == 2);
  CHECK(made.inner->asked[1] == std::vector<int32_t>(250, 4));
  made.Draw(std::vector<int32_t>(900, 8));
  CHECK(made.inner->asked[2] == std::vector<int32_t>(900, 8));
  CHECK(made.inner->asked[3].size() > 250);
}

TEST_CASE("a digit that does not come is named", "[inference]") {
  // Nothing but 1, and a 4 so rarely that those of them who wait never become too many.
  const auto script = [](int64_t number, int32_t, uint64_t) {
    return Shown{number % 20'000 == 19'999 ? 4
                 : number % 3 == 0         ? 7
                                           : 1,
                 static_cast<uint8_t>(number % 3 == 0 ? 30 : 255)};
  };
  const auto bounded = [&](int64_t number, int32_t asked, uint64_t seed) {
    if (number > 60'000) throw std::runtime_error("it goes on and on");
    return script(number, asked, seed);
  };
  Made made(bounded);
  CheckMentions(MessageOf(ErrorKind::kFailure,
                          [&] {
                            made.Draw({1, 7, 1});
                          }),
                {"50000 images", "without a 7", "80%", "--min-confidence"});
  CHECK(made.inner->drawn >= kMostMisses);
  CHECK(made.inner->drawn <= kMostMisses + 2 * Generator::kRows);
  // What was found meanwhile is still there, but no more of it than is sensible.
  const int64_t before = made.inner->drawn;
  CHECK(made.Draw({1, 4, 1}).digits == std::vector<int32_t>{1, 4, 1});
  CHECK(made.inner->drawn == before);

  Made faint([](int64_t, int32_t, uint64_t) { return Shown{3, 60}; }, true, 0.99);
  CheckMentions(MessageOf(ErrorKind::kFailure, [&] { faint.Draw(Any(2)); }),
                {"50000 images", "99%", "without a digit"});
  for (const int32_t digit : {10, -2}) {
    CheckMentions(MessageOf(ErrorKind::kBadInput,
                            [&] {
                              made.Draw({1, digit});
                            }),
                  {std::to_string(digit), "0 to 9"});
  }
}

TEST_CASE("a rare digit is waited for", "[inference]") {
  Made made([](int64_t number, int32_t, uint64_t) {
    return Shown{number % 20'000 == 19'999 ? 4 : 1, 255};
  });
  CHECK(Numbers(made.Draw({4})) == std::vector<int64_t>{19'999});
  // The first 2,000 of the common one were kept.
  const std::vector<int64_t> ones = Numbers(made.Draw(std::vector<int32_t>(2'001, 1)));
  CHECK(ones[1'999] == 1'999);
  CHECK(ones[2'000] >= 20'000);
}

TEST_CASE("a trained classifier keeps what it reads rightly", "[inference]") {
  const TempFolder folder;
  WriteBytes(folder.path() / "c.bin", TrainedClassifier());
  const Weights weights = LoadWeights(folder.path() / "c.bin");
  const Dataset images = SyntheticImages(0, 220);

  // The images that it has learnt, over and over, as a source.
  class Series : public Scripted {
   public:
    explicit Series(const Dataset& images) : Scripted(false, Mixed), images_(images) {}
    DrawnDigits Draw(std::span<const int32_t> digits) override {
      DrawnDigits series;
      for (size_t i = 0; i < digits.size(); ++i, ++drawn) {
        const auto at = images_.pixels.begin() + drawn % images_.count() * kImagePixels;
        series.Append({{at, at + kImagePixels}, {kAnyDigit}, {static_cast<float>(drawn), 0}});
      }
      return series;
    }

   private:
    const Dataset& images_;
  };
  const auto engine = MakeCpuEngine();
  const auto source =
      JudgedSource(std::make_unique<Series>(images), Classifier(weights, *engine), 0.5);
  const DrawnDigits drawn = source->Draw(Wishes(150));
  CHECK(drawn.digits == Wishes(150));
  const Readings readings = Classifier(weights, *engine).Read(drawn.pixels);
  int right = 0;
  for (size_t i = 0; i < 150; ++i) {
    CHECK(readings.digits[i] == drawn.digits[i]);
    CHECK(readings.probabilities[i * kDigits + static_cast<size_t>(drawn.digits[i])] >= 0.5f);
    const auto number = static_cast<int64_t>(drawn.latents[2 * i]) % images.count();
    right += images.labels[static_cast<size_t>(number)] == drawn.digits[i];
    CHECK(std::equal(images.pixels.begin() + number * kImagePixels,
                     images.pixels.begin() + (number + 1) * kImagePixels,
                     drawn.pixels.begin() + static_cast<int64_t>(i) * kImagePixels));
  }
  CHECK(right > 135);
}

}  // namespace numeral
