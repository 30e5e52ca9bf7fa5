// A generator alone, ready to draw.
//
// Refuses: networks that are no generators of 28x28 images. Called by evaluation, by
// the training loop when it evaluates, and by sources of digits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "engine/engine.h"
#include "inference/network_values.h"

namespace numeral {

// What makes `count` images.
struct GeneratorInputs {
  int64_t count = 0;
  std::vector<std::vector<float>> latents;  // [count][size] for each latent input, in their order
  std::vector<int32_t> digits;              // [count]; empty for an unconditional generator
};

class Generator {
 public:
  // Images of one enqueued phase.
  static constexpr int kRows = 250;

  // `source` names it in messages.
  Generator(const NetworkDescription& description, const NetworkValues& values, Engine& engine,
            const std::string& source);
  // Of a weights file.
  Generator(const Weights& weights, Engine& engine);

  // The weights of another moment of the same network.
  void SetValues(const NetworkValues& values);

  bool conditional() const { return conditional_; }

  // Numbers that make an image: the sizes of all latent inputs together.
  int64_t latent_size() const;

  // Latents drawn for image i as element (first + i) * size + feature of step 0, times `scale`;
  // `digits` are taken as they are, and must be empty for an unconditional generator.
  GeneratorInputs DrawInputs(uint64_t seed, int64_t count, double scale,
                             std::vector<int32_t> digits, int64_t first = 0) const;

  // `latents` are [count][latent_size()], all latent inputs of an image one after the other.
  GeneratorInputs Split(std::span<const float> latents, std::vector<int32_t> digits) const;
  // Its inverse.
  std::vector<float> Join(const GeneratorInputs& inputs) const;

  // [count][28][28]. Throws Error(kFailure) for values that are not finite.
  std::vector<uint8_t> Draw(const GeneratorInputs& inputs);

 private:
  Graph graph_;
  std::array<double, 2> pixel_range_;
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Executable> executable_;
  bool conditional_;
};

// The digits 0..9 in turn, `count` of them.
std::vector<int32_t> EveryDigit(int64_t count);

// Runs the kSample phase of `rows` images of a plan as often as it takes; values as the network
// gives them.
std::vector<float> RunSamplePhase(Executable& executable, const Plan& plan, const Graph& generator,
                                  int rows, const GeneratorInputs& inputs);

}  // namespace numeral
