#include <cmath>

#include "plan/schedule.h"
#include "tests/reference/ops.h"
#include "util/error.h"

namespace numeral::reference {

void Run(const AdamUpdate& op, Store& store) {
  const auto params = store.F32(op.params);
  const auto grads = store.F32(op.grads);
  const auto first = store.F32(op.first_moment);
  const auto second = store.F32(op.second_moment);
  NUMERAL_CHECK(params.size() == grads.size() && params.size() == first.size());
  NUMERAL_CHECK(params.size() == second.size());
  const int64_t t = store.RunningStep(op.step) / op.period + 1;
  const AdamStep step = AdamStepAt(op.spec, t, op.total_updates);
  for (size_t i = 0; i < params.size(); ++i) {
    first[i] = op.spec.beta1 * first[i] + (1 - op.spec.beta1) * grads[i];
    second[i] = op.spec.beta2 * second[i] + (1 - op.spec.beta2) * grads[i] * grads[i];
    const double root = std::sqrt(second[i]) * step.root_scale;
    params[i] -= step.step_size * first[i] / (root + step.epsilon);
  }
}

void Run(const EmaUpdate& op, Store& store) {
  const auto source = store.F32(op.source);
  const auto target = store.F32(op.target);
  NUMERAL_CHECK(source.size() == target.size());
  const double decay = op.decay;
  for (size_t i = 0; i < source.size(); ++i) {
    target[i] = decay * target[i] + (1 - decay) * source[i];
  }
}

}  // namespace numeral::reference
