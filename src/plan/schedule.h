// Step sizes as pure functions of an update's number; every engine calls these, on a device too.
#pragma once

#include <cmath>
#include <cstdint>

#include "config/spec.h"
#include "util/host_device.h"

namespace numeral {

// The factor on the learning rate at update t = 1 .. total: 1 up to the share `start` of the run,
// then along a line or half a cosine to `end` at t == total.
NUMERAL_HOST_DEVICE inline double ScheduleFactor(const ScheduleSpec& schedule, int64_t t,
                                                 int64_t total) {
  constexpr double kPi = 3.141592653589793;
  if (schedule.kind == ScheduleSpec::Kind::kConstant || total <= 1) return 1;
  const double progress = static_cast<double>(t - 1) / static_cast<double>(total - 1);
  if (progress <= schedule.start) return 1;
  const double share = (progress - schedule.start) / (1 - schedule.start);
  const double fall =
      schedule.kind == ScheduleSpec::Kind::kLinear ? share : (1 - std::cos(kPi * share)) / 2;
  return 1 + (schedule.end - 1) * (fall < 1 ? fall : 1.0);
}

// Both forms of Adam as p -= step_size * m / (sqrt(v) * root_scale + epsilon).
struct AdamStep {
  double step_size, root_scale, epsilon;
};
NUMERAL_HOST_DEVICE inline AdamStep AdamStepAt(const AdamSpec& spec, int64_t t, int64_t total) {
  const double rate = spec.learning_rate * ScheduleFactor(spec.schedule, t, total);
  const double correction1 = 1 - std::pow(spec.beta1, static_cast<double>(t));
  const double correction2 = 1 - std::pow(spec.beta2, static_cast<double>(t));
  if (spec.epsilon_hat) return {rate * std::sqrt(correction2) / correction1, 1, spec.epsilon};
  return {rate / correction1, 1 / std::sqrt(correction2), spec.epsilon};
}

// Adam's numbers for one update, in the precision of the loops over parameters.
struct AdamScalars {
  float beta1, rest1, beta2, rest2, step_size, root_scale, epsilon;
};
NUMERAL_HOST_DEVICE inline AdamScalars AdamScalarsAt(const AdamSpec& spec, int64_t t,
                                                     int64_t total) {
  const AdamStep at = AdamStepAt(spec, t, total);
  return {static_cast<float>(spec.beta1),   static_cast<float>(1 - spec.beta1),
          static_cast<float>(spec.beta2),   static_cast<float>(1 - spec.beta2),
          static_cast<float>(at.step_size), static_cast<float>(at.root_scale),
          static_cast<float>(at.epsilon)};
}

}  // namespace numeral
