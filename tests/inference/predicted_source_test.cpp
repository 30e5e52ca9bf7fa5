// A latent predictor before a generator: its latents, the generator's images.
#include "inference/digit_source.h"
#include "inference/latent_predictor.h"
#include "tests/catch.h"
#include "tests/inference/made_generators.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

struct Made {
  TempFolder folder;
  std::unique_ptr<Engine> engine = MakeCpuEngine({.poison = true});

  explicit Made(bool noise) {
    WriteVividGenerator(folder.path() / "u.bin", false, 5);
    WriteVividGenerator(folder.path() / "g.bin", true, 5);
    WritePredictor(folder.path() / "l.bin", noise);
    WritePredictor(folder.path() / "other.bin", noise, 7);
  }
  Weights Load(const std::string& name) const { return LoadWeights(folder.path() / name); }
  std::unique_ptr<DigitSource> Source(const std::string& predictor = "l.bin",
                                      const std::string& generator = "u.bin") const {
    return PredictedSource(SourceOfGenerator(Load(generator), *engine, 1), Load(predictor),
                           *engine);
  }
};

std::vector<uint8_t> Image(const DrawnDigits& drawn, int64_t i) {
  const auto at = drawn.pixels.begin() + i * kImagePixels;
  return {at, at + kImagePixels};
}

}  // namespace

TEST_CASE("predicted digits are the generator's images of the predictor's latents", "[inference]") {
  for (const bool noise : {false, true}) {
    const Made made(noise);
    const auto source = made.Source();
    CHECK(source->KnowsDigits());
    CHECK_FALSE(source->NeedsDigits());
    CHECK(source->latent_size() == 6);
    source->Restart(9);
    const std::vector<int32_t> first{3, 1, kAnyDigit}, second{kAnyDigit, 3};
    DrawnDigits drawn = source->Draw(first);
    drawn.Append(source->Draw(second));
    // Any digit is the one whose turn it is by the place in the stream.
    const std::vector<int32_t> digits{3, 1, 2, 3, 3};
    CHECK(drawn.digits == digits);
    LatentPredictor predictor(made.Load("l.bin"), *made.engine);
    CHECK(drawn.latents == predictor.Predict(digits, 9, 0));
    const auto generator = SourceOfGenerator(made.Load("u.bin"), *made.engine, 1);
    CHECK((drawn.pixels == generator->Render(drawn.latents, digits)));
    CHECK((source->Render(drawn.latents, digits) == drawn.pixels));
    // Noise is what tells the threes apart.
    CHECK((Image(drawn, 0) == Image(drawn, 3)) == !noise);
    CHECK((Image(drawn, 0) != Image(drawn, 1)));
    source->Restart(9);
    CHECK(source->Draw(first).latents ==
          std::vector<float>(drawn.latents.begin(), drawn.latents.begin() + 18));
    source->Restart(10);
    CHECK((source->Draw(first).latents ==
           std::vector<float>(drawn.latents.begin(), drawn.latents.begin() + 18)) == !noise);
  }
}

TEST_CASE("a predictor and a generator that do not fit are refused", "[inference]") {
  const Made made(true);
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { made.Source("other.bin"); }),
                {"other.bin", "7 numbers", "takes 6"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { made.Source("l.bin", "g.bin"); }),
                {"l.bin", "no latent predictor"});
  MessageOf(ErrorKind::kBadInput, [&] { made.Source("u.bin"); });
}

}  // namespace numeral
