#include "cpu/threads.h"

#include <algorithm>

namespace numeral::cpu {
namespace {

// Arithmetic per op of a phase that is worth one thread more: each op wakes the threads and waits
// for them, which by estimate takes about as long as so much arithmetic.
constexpr int64_t kLeastWork_flops = 1'500'000;

int64_t MeanFlops(const Plan& plan, const Phase& phase) {
  int64_t flops = 0;
  for (const PhaseOp& op : phase.ops) flops += CostOf(plan, op.op).flops;
  return flops / std::max<int64_t>(static_cast<int64_t>(phase.ops.size()), 1);
}

}  // namespace

int ChooseThreads(const Plan& plan, int most) {
  int64_t mean = 0;
  for (const Phase& phase : plan.phases) mean = std::max(mean, MeanFlops(plan, phase));
  return static_cast<int>(std::clamp<int64_t>(mean / kLeastWork_flops, 1, std::max(most, 1)));
}

}  // namespace numeral::cpu
