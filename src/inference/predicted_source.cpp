// Digits of an unconditional generator by a latent predictor.
#include "inference/digit_source.h"
#include "inference/latent_predictor.h"
#include "util/error.h"

namespace numeral {
namespace {

class Predicted : public DigitSource {
 public:
  Predicted(std::unique_ptr<DigitSource> generator, const Weights& predictor, Engine& engine)
      : generator_(std::move(generator)), predictor_(predictor, engine) {
    if (generator_->NeedsDigits()) {
      BadInput("{}: the generator can be asked for digits; it needs no latent predictor",
               predictor.source);
    }
    if (predictor_.latent_size() != generator_->latent_size()) {
      BadInput("{} gives latents of {} numbers, the generator takes {}; it belongs to another one",
               predictor.source, predictor_.latent_size(), generator_->latent_size());
    }
  }

  bool KnowsDigits() const override { return true; }
  bool NeedsDigits() const override { return false; }
  int64_t latent_size() const override { return generator_->latent_size(); }
  void Restart(uint64_t seed) override {
    seed_ = seed;
    next_ = 0;
  }

  DrawnDigits Draw(std::span<const int32_t> digits) override {
    std::vector<int32_t> asked = InTurn(digits, next_);
    std::vector<float> latents = predictor_.Predict(asked, seed_, next_);
    next_ += static_cast<int64_t>(asked.size());
    return {generator_->Render(latents, asked), std::move(asked), std::move(latents)};
  }

  std::vector<uint8_t> Render(std::span<const float> latents,
                              std::span<const int32_t> digits) override {
    return generator_->Render(latents, digits);
  }

 private:
  std::unique_ptr<DigitSource> generator_;
  LatentPredictor predictor_;
  uint64_t seed_ = 1;
  int64_t next_ = 0;
};

}  // namespace

std::unique_ptr<DigitSource> PredictedSource(std::unique_ptr<DigitSource> generator,
                                             const Weights& predictor, Engine& engine) {
  return std::make_unique<Predicted>(std::move(generator), predictor, engine);
}

}  // namespace numeral
