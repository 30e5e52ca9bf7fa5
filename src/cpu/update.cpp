// Optimizer updates: one pass over a whole network's parameters.
//
// Bandwidth-bound: Adam reads four floats and writes three for each parameter.
#include <cmath>

#include "cpu/draws.h"
#include "cpu/elementwise.h"
#include "cpu/parallel.h"
#include "plan/schedule.h"

namespace numeral::cpu {
namespace {

constexpr int64_t kGrain = 64;  // elements; a few vectors

void UpdateRange(const AdamScalars& s, const float* grads, int64_t count, float* first,
                 float* second, float* params) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const float grad = grads[i];
    const float m = s.beta1 * first[i] + s.rest1 * grad;
    const float v = s.beta2 * second[i] + s.rest2 * (grad * grad);
    first[i] = m;
    second[i] = v;
    params[i] -= s.step_size * m / (std::sqrt(v) * s.root_scale + s.epsilon);
  }
}

}  // namespace

Kernel MakeKernel(const AdamUpdate& op, const Binding& binding) {
  const int64_t elems = binding.info(op.params).elems();
  for (const TensorId id : {op.grads, op.first_moment, op.second_moment}) {
    NUMERAL_CHECK(binding.info(id).elems() == elems);
  }
  NUMERAL_CHECK(op.period > 0);
  const int64_t* step = binding.I64(op.step);
  const float* grads = binding.F32(op.grads);
  float *params = binding.F32(op.params), *first = binding.F32(op.first_moment);
  float* second = binding.F32(op.second_moment);
  return [=, spec = op.spec, period = op.period, total = op.total_updates] {
    const AdamScalars scalars = AdamScalarsAt(spec, RunningStep(step) / period + 1, total);
    ParallelRanges(elems, kGrain, elems, [&](int64_t begin, int64_t end) {
      UpdateRange(scalars, grads + begin, end - begin, first + begin, second + begin,
                  params + begin);
    });
  };
}

Kernel MakeKernel(const EmaUpdate& op, const Binding& binding) {
  const int64_t elems = binding.info(op.target).elems();
  NUMERAL_CHECK(binding.info(op.source).elems() == elems);
  const float decay = op.decay, rest = static_cast<float>(1 - static_cast<double>(op.decay));
  const float* source = binding.F32(op.source);
  float* target = binding.F32(op.target);
  return [=] {
    ParallelRanges(elems, kGrain, elems, [=](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) target[i] = decay * target[i] + rest * source[i];
    });
  };
}

}  // namespace numeral::cpu
