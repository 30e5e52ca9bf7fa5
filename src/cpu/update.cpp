// Optimizer updates: one pass over a whole network's parameters.
//
// Bandwidth-bound: Adam reads four floats and writes three for each parameter, and where a weight
// has a rounded copy, that as well.
#include <algorithm>
#include <cmath>

#include "cpu/draws.h"
#include "cpu/elementwise.h"
#include "cpu/parallel.h"
#include "cpu/workspace.h"
#include "plan/schedule.h"

namespace numeral::cpu {
namespace {

constexpr int64_t kGrain = 64;  // elements; a few vectors

struct AdamPointers {
  const float* grads;
  float *first, *second, *params;
};

// Elements begin .. end - 1; with kRounds, `rounded` is the copy of those.
template <bool kRounds>
void UpdateRange(const AdamScalars& s, const AdamPointers& p, int64_t begin, int64_t end,
                 Bf16* rounded) {
  const float* grads = p.grads + begin;
  float *first = p.first + begin, *second = p.second + begin, *params = p.params + begin;
#pragma omp simd simdlen(kSimdElems)
  for (int64_t i = 0; i < end - begin; ++i) {
    const float grad = grads[i];
    const float m = s.beta1 * first[i] + s.rest1 * grad;
    const float v = s.beta2 * second[i] + s.rest2 * (grad * grad);
    first[i] = m;
    second[i] = v;
    const float param = params[i] - s.step_size * m / (std::sqrt(v) * s.root_scale + s.epsilon);
    params[i] = param;
    if constexpr (kRounds) rounded[i] = param;
  }
}

// The update of elements begin .. end - 1 and of the copies of weights among them.
void UpdateWithCopies(const AdamScalars& scalars, const AdamPointers& pointers,
                      const std::vector<RoundedCopy>& copies, int64_t begin, int64_t end) {
  for (const RoundedCopy& copy : copies) {
    const int64_t copy_begin = copy.weight - pointers.params;
    const int64_t from = std::clamp(copy_begin, begin, end);
    const int64_t to = std::clamp(copy_begin + copy.elems, begin, end);
    if (from == to) continue;
    UpdateRange<false>(scalars, pointers, begin, from, nullptr);
    UpdateRange<true>(scalars, pointers, from, to, copy.rounded + (from - copy_begin));
    begin = to;
  }
  UpdateRange<false>(scalars, pointers, begin, end, nullptr);
}

}  // namespace

Kernel MakeKernel(const AdamUpdate& op, const Binding& binding, Workspace& workspace) {
  const int64_t elems = binding.info(op.params).elems();
  for (const TensorId id : {op.grads, op.first_moment, op.second_moment}) {
    NUMERAL_CHECK(binding.info(id).elems() == elems);
  }
  NUMERAL_CHECK(op.period > 0);
  const int64_t* step = binding.I64(op.step);
  const AdamPointers pointers{binding.F32(op.grads), binding.F32(op.first_moment),
                              binding.F32(op.second_moment), binding.F32(op.params)};
  return [=, copies = workspace.RoundedCopies(pointers.params, elems), spec = op.spec,
          period = op.period, total = op.total_updates] {
    const AdamScalars scalars = AdamScalarsAt(spec, RunningStep(step) / period + 1, total);
    ParallelRanges(elems, kGrain, elems, [&](int64_t begin, int64_t end) {
      UpdateWithCopies(scalars, pointers, copies, begin, end);
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
