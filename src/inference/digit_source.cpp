#include "inference/digit_source.h"

#include <algorithm>

#include "data/dataset.h"
#include "util/error.h"

namespace numeral {
namespace {

class OneGenerator : public DigitSource {
 public:
  OneGenerator(const Weights& weights, Engine& engine, double latent_scale, int32_t only_digit)
      : generator_(weights, engine),
        source_(weights.source),
        scale_(latent_scale),
        only_digit_(only_digit) {
    if (generator_.conditional() && only_digit != kAnyDigit) {
      BadInput("{} draws the digit that it is asked for, not {} alone", source_, only_digit);
    }
  }

  bool KnowsDigits() const override { return generator_.conditional() || only_digit_ != kAnyDigit; }
  bool NeedsDigits() const override { return generator_.conditional(); }
  int64_t latent_size() const override { return generator_.latent_size(); }
  void Restart(uint64_t seed) override {
    seed_ = seed;
    next_ = 0;
  }

  DrawnDigits Draw(std::span<const int32_t> digits) override {
    std::vector<int32_t> drawn(digits.size(), only_digit_);
    if (generator_.conditional()) drawn = InTurn(digits, next_);
    CheckCanDraw(digits);
    const auto count = static_cast<int64_t>(digits.size());
    const GeneratorInputs inputs =
        generator_.DrawInputs(seed_, count, scale_, Conditions(drawn), next_);
    next_ += count;
    return {generator_.Draw(inputs), std::move(drawn), generator_.Join(inputs)};
  }

  std::vector<uint8_t> Render(std::span<const float> latents,
                              std::span<const int32_t> digits) override {
    return generator_.Draw(generator_.Split(latents, Conditions(digits)));
  }

 private:
  // What the generator is told.
  std::vector<int32_t> Conditions(std::span<const int32_t> digits) const {
    if (!generator_.conditional()) return {};
    for (const int32_t digit : digits) {
      if (digit < 0 || digit >= kDigits) {
        BadInput("{} must be told the digit, 0 to 9; name it with --digits", source_);
      }
    }
    return {digits.begin(), digits.end()};
  }

  void CheckCanDraw(std::span<const int32_t> digits) const {
    if (generator_.conditional()) return;
    for (const int32_t digit : digits) {
      if (digit == kAnyDigit || digit == only_digit_) continue;
      if (only_digit_ != kAnyDigit) {
        BadInput("{} draws nothing but {}, not {}", source_, only_digit_, digit);
      }
      BadInput("{} cannot be asked for a digit; let a --classifier choose among what it draws",
               source_);
    }
  }

  Generator generator_;
  std::string source_;
  double scale_;
  int32_t only_digit_;
  uint64_t seed_ = 1;
  int64_t next_ = 0;
};

class TenGenerators : public DigitSource {
 public:
  explicit TenGenerators(std::vector<std::unique_ptr<DigitSource>> generators)
      : generators_(std::move(generators)) {}

  bool KnowsDigits() const override { return true; }
  bool NeedsDigits() const override { return true; }
  int64_t latent_size() const override { return generators_[0]->latent_size(); }
  void Restart(uint64_t seed) override {
    for (const auto& generator : generators_) generator->Restart(seed);
    next_ = 0;
  }

  DrawnDigits Draw(std::span<const int32_t> digits) override {
    const auto size = static_cast<size_t>(latent_size());
    DrawnDigits drawn{std::vector<uint8_t>(digits.size() * kImagePixels), InTurn(digits, next_),
                      std::vector<float>(digits.size() * size)};
    next_ += static_cast<int64_t>(digits.size());
    ForEachDigit(drawn.digits, [&](DigitSource& generator, int32_t digit, const auto& places) {
      const DrawnDigits some = generator.Draw(std::vector<int32_t>(places.size(), digit));
      for (size_t i = 0; i < places.size(); ++i) {
        std::copy_n(some.pixels.begin() + static_cast<int64_t>(i * kImagePixels), kImagePixels,
                    drawn.pixels.begin() + static_cast<int64_t>(places[i] * kImagePixels));
        std::copy_n(some.latents.begin() + static_cast<int64_t>(i * size), size,
                    drawn.latents.begin() + static_cast<int64_t>(places[i] * size));
      }
    });
    return drawn;
  }

  std::vector<uint8_t> Render(std::span<const float> latents,
                              std::span<const int32_t> digits) override {
    const auto size = static_cast<size_t>(latent_size());
    NUMERAL_CHECK(latents.size() == digits.size() * size);
    std::vector<uint8_t> pixels(digits.size() * kImagePixels);
    ForEachDigit(digits, [&](DigitSource& generator, int32_t digit, const auto& places) {
      std::vector<float> rows;
      for (const size_t place : places) {
        const auto row = latents.begin() + static_cast<int64_t>(place * size);
        rows.insert(rows.end(), row, row + static_cast<int64_t>(size));
      }
      const auto some = generator.Render(rows, std::vector<int32_t>(places.size(), digit));
      for (size_t i = 0; i < places.size(); ++i) {
        std::copy_n(some.begin() + static_cast<int64_t>(i * kImagePixels), kImagePixels,
                    pixels.begin() + static_cast<int64_t>(places[i] * kImagePixels));
      }
    });
    return pixels;
  }

 private:
  // Calls `action` for each digit that occurs, with its generator and its places.
  template <typename Action>
  void ForEachDigit(std::span<const int32_t> digits, Action&& action) {
    std::array<std::vector<size_t>, kDigits> places;
    for (size_t i = 0; i < digits.size(); ++i) {
      if (digits[i] < 0 || digits[i] >= kDigits) {
        BadInput("ten generators must be told which digit, 0 to 9");
      }
      places[static_cast<size_t>(digits[i])].push_back(i);
    }
    for (size_t digit = 0; digit < kDigits; ++digit) {
      if (places[digit].empty()) continue;
      action(*generators_[digit], static_cast<int32_t>(digit), places[digit]);
    }
  }

  std::vector<std::unique_ptr<DigitSource>> generators_;
  int64_t next_ = 0;
};

}  // namespace

std::vector<int32_t> InTurn(std::span<const int32_t> digits, int64_t first) {
  std::vector<int32_t> chosen(digits.begin(), digits.end());
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] != kAnyDigit) continue;
    chosen[i] = static_cast<int32_t>((first + static_cast<int64_t>(i)) % kDigits);
  }
  return chosen;
}

void DrawnDigits::Append(const DrawnDigits& more) {
  pixels.insert(pixels.end(), more.pixels.begin(), more.pixels.end());
  digits.insert(digits.end(), more.digits.begin(), more.digits.end());
  latents.insert(latents.end(), more.latents.begin(), more.latents.end());
}

std::unique_ptr<DigitSource> SourceOfGenerator(const Weights& weights, Engine& engine,
                                               double latent_scale, int32_t only_digit) {
  return std::make_unique<OneGenerator>(weights, engine, latent_scale, only_digit);
}

std::unique_ptr<DigitSource> SourceOfTen(const std::array<Weights, kDigits>& weights,
                                         Engine& engine, double latent_scale) {
  std::vector<std::unique_ptr<DigitSource>> generators;
  for (size_t digit = 0; digit < kDigits; ++digit) {
    generators.push_back(
        SourceOfGenerator(weights[digit], engine, latent_scale, static_cast<int32_t>(digit)));
    if (generators.back()->latent_size() != generators[0]->latent_size()) {
      BadInput("{} takes {} latent numbers, {} takes {}: the ten must take as many",
               weights[0].source, generators[0]->latent_size(), weights[digit].source,
               generators.back()->latent_size());
    }
  }
  return std::make_unique<TenGenerators>(std::move(generators));
}

}  // namespace numeral
