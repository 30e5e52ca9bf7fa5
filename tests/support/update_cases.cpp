#include <fmt/format.h>

#include "tests/support/op_cases.h"

namespace numeral {

namespace {

OpCase AdamCase(const AdamSpec& spec, int elems, int64_t running_step, int64_t period,
                int64_t total) {
  OneOpPlan plan;
  AdamUpdate op;
  op.spec = spec;
  op.period = period;
  op.total_updates = total;
  op.step = plan.AddStep(running_step);
  op.params = plan.AddVector("params", elems);
  op.grads = plan.AddVector("grads", elems);
  op.first_moment = plan.AddVector("first_moment", elems);
  op.second_moment = plan.AddVector("second_moment", elems);
  // Moments start at 0 with the first update.
  const bool first = running_step < period;
  if (first) plan.SetReals(op.first_moment, std::vector(static_cast<size_t>(elems), 0.0f));
  plan.SetUniform(op.second_moment, 0, first ? 0 : 1);
  return plan.Finish(fmt::format("{} elems, step {} of period {}{}", elems, running_step, period,
                                 spec.epsilon_hat ? ", epsilon hat" : ""),
                     op, tolerance::kUpdate);
}

OpCase EmaCase(float decay, int elems) {
  OneOpPlan plan;
  const TensorId source = plan.AddVector("source", elems);
  const TensorId target = plan.AddVector("target", elems);
  return plan.Finish(fmt::format("decay {}, {} elems", decay, elems),
                     EmaUpdate{decay, source, target}, tolerance::kElementwise);
}

}  // namespace

std::vector<OpCase> UpdateCases() {
  std::vector<OpCase> cases;
  for (const bool epsilon_hat : {false, true}) {
    AdamSpec spec;
    spec.epsilon_hat = epsilon_hat;
    for (const int elems : {1, 17, 1003}) {
      cases.push_back(AdamCase(spec, elems, 0, 1, 1000));
      cases.push_back(AdamCase(spec, elems, 999, 1, 1000));
    }
    spec.beta1 = 0.5;
    spec.learning_rate = 2e-4;
    spec.epsilon = 1e-7;
    cases.push_back(AdamCase(spec, 33, 14, 5, 1000));  // update number 3
    spec.schedule = {ScheduleSpec::Kind::kLinear, 0.5, 0.02};
    cases.push_back(AdamCase(spec, 33, 799, 1, 1000));
    spec.schedule = {ScheduleSpec::Kind::kCosine, 0, 0};
    cases.push_back(AdamCase(spec, 33, 330, 3, 1000));
  }
  for (const float decay : {0.0f, 0.9f, 0.999f}) {
    for (const int elems : {1, 17, 1003}) cases.push_back(EmaCase(decay, elems));
  }
  return cases;
}

}  // namespace numeral
