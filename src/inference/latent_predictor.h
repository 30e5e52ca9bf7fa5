// A latent predictor alone: digits to latents, from which an unconditional generator then draws
// those digits.
//
// There are two kinds, by what the network takes. A digit alone: one latent per digit. Noise, a
// time and a digit: any number of latents per digit, by following the network's velocity from the
// noise at time 0 to a latent at time 1 (flow matching, see plan/predictor_training.cpp).
// Refuses: networks that take or give anything else. Whether the latents fit a generator the caller
// checks by latent_size().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/weights.h"
#include "engine/engine.h"
#include "inference/network_values.h"

namespace numeral {

class LatentPredictor {
 public:
  // Latents of one enqueued phase.
  static constexpr int kRows = 250;
  // Steps from noise to latent, by Heun's method: two evaluations of the network each.
  static constexpr int kFlowSteps = 8;
  // How far the velocity is followed, see Predict.
  static constexpr double kGuidance = 1.4;

  // `source` names it in messages.
  LatentPredictor(const NetworkDescription& description, const NetworkValues& values,
                  Engine& engine, const std::string& source);
  // Of a weights file.
  LatentPredictor(const Weights& weights, Engine& engine);

  int latent_size() const { return graph_.output_shape().c; }
  // Whether the same digit gives many latents.
  bool varied() const { return noise_ >= 0; }

  // [n][latent size], one row for each of `digits`. Row i is a function of the weights, digits[i],
  // `seed`, first + i and `guidance` alone, whatever else is asked for; but for the digit they mean
  // nothing where the predictor is not varied. `guidance` multiplies the velocity: above 1 more
  // latents draw the digit that was asked for, and they are less varied. It is the guidance of Ho &
  // Salimans 2022, where the velocity of no digit in particular is 0 (plan/predictor_training.cpp).
  // Throws Error(kFailure) where a value is not finite.
  std::vector<float> Predict(const std::vector<int32_t>& digits, uint64_t seed, int64_t first,
                             double guidance = kGuidance);

 private:
  // The network's answer to the digits of one phase, and to places and time.
  std::vector<float> Run(const std::vector<float>& places, float time);
  std::vector<float> Follow(std::vector<float> places, float guidance);

  Graph graph_;
  std::string source_;
  int noise_, time_;  // indices of the inputs, or -1
  std::shared_ptr<const Plan> plan_;
  std::unique_ptr<Executable> executable_;
};

}  // namespace numeral
