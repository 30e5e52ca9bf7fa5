// Images of the digits that are asked for, whatever kind of generator draws them.
//
// A source is an endless stream that follows from a seed: the same seed and the same requests give
// the same images. Owns: how each kind of generator comes to a wanted digit. Refuses: digits that a
// source cannot know. Not safe for several threads. Called by `generate` and its page.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "inference/classifier.h"
#include "inference/generator.h"

namespace numeral {

// In a request: whatever comes. In an answer: nobody knows.
inline constexpr int32_t kAnyDigit = -1;

struct DrawnDigits {
  std::vector<uint8_t> pixels;  // [n][28][28]
  std::vector<int32_t> digits;  // [n]
  std::vector<float> latents;   // [n][latent_size()], what made the image

  void Append(const DrawnDigits& more);
};

// In place of any digit 0, 1, 2, ... by the place in the stream.
std::vector<int32_t> InTurn(std::span<const int32_t> digits, int64_t first);

class DigitSource {
 public:
  virtual ~DigitSource() = default;

  // Whether digits can be asked for, and so are known.
  virtual bool KnowsDigits() const = 0;
  // Whether Render must be told the digits.
  virtual bool NeedsDigits() const = 0;
  virtual int64_t latent_size() const = 0;
  // Begins the stream of a seed; a new source is at the beginning of that of seed 1.
  virtual void Restart(uint64_t seed) = 0;
  // One image for each of `digits`, going on in the stream. Throws Error(kBadInput) for a digit
  // that the source cannot draw, Error(kFailure) where it does not come.
  virtual DrawnDigits Draw(std::span<const int32_t> digits) = 0;
  // The images [n][28][28] of given latents [n][latent_size()]: bit for bit what Draw gave with
  // them. `digits` matter where the generator is told the digit, and must then be 0 to 9.
  virtual std::vector<uint8_t> Render(std::span<const float> latents,
                                      std::span<const int32_t> digits) = 0;
};

// One generator by itself. A conditional one draws any digit; of an unconditional one the digits
// are not known, unless it draws nothing but `only_digit`.
std::unique_ptr<DigitSource> SourceOfGenerator(const Weights& weights, Engine& engine,
                                               double latent_scale, int32_t only_digit = kAnyDigit);

// Ten generators, each of one digit. Refuses those whose latents differ in size.
std::unique_ptr<DigitSource> SourceOfTen(const std::array<Weights, kDigits>& weights,
                                         Engine& engine, double latent_scale);

// What `classifier` reads as the wanted digit with a probability of at least `min_confidence`.
// Where `inner` does not know digits, they are those that the classifier reads. Draws until it has
// found them all, and fails, naming the digit, after kMostMisses images without a new one.
inline constexpr int64_t kMostMisses = 50000;
std::unique_ptr<DigitSource> JudgedSource(std::unique_ptr<DigitSource> inner, Classifier classifier,
                                          double min_confidence);

// An unconditional `generator` whose latents of a wanted digit come from a predictor. Refuses a
// generator that can be asked itself, and a predictor whose latents do not fit. A predictor of one
// latent per digit draws the same images over and over.
std::unique_ptr<DigitSource> PredictedSource(std::unique_ptr<DigitSource> generator,
                                             const Weights& predictor, Engine& engine);

// The images of given latents [n][latent_size()], in their order, by the generator of `inner`; the
// digits are believed. A request beyond the n is bad input that mentions `name`. Restart begins
// with the first again.
std::unique_ptr<DigitSource> SourceOfLatents(std::unique_ptr<DigitSource> inner,
                                             std::vector<float> latents, const std::string& name);

}  // namespace numeral
