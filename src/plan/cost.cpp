// Least traffic and arithmetic of ops: every operand read or written once, plus the products.
#include "plan/plan.h"

namespace numeral {
namespace {

int64_t Flops(const ConvGeometry& g) { return 2LL * g.n * g.p * g.q * g.k * g.r * g.s * g.c; }

struct Arithmetic {
  int64_t operator()(const ConvForward& o) const { return Flops(o.geometry); }
  int64_t operator()(const ConvBackwardData& o) const { return Flops(o.geometry); }
  int64_t operator()(const ConvBackwardWeight& o) const { return Flops(o.geometry); }
  int64_t operator()(const DenseForward& o) const { return 2LL * o.n * o.in * o.out; }
  int64_t operator()(const DenseBackwardData& o) const { return 2LL * o.n * o.in * o.out; }
  int64_t operator()(const DenseBackwardWeight& o) const { return 2LL * o.n * o.in * o.out; }
  // Elementwise work is bounded by its traffic; its few operations per element are not counted.
  template <typename Elementwise>
  int64_t operator()(const Elementwise&) const {
    return 0;
  }
};

}  // namespace

Cost CostOf(const Plan& plan, const Op& op) {
  Cost cost;
  cost.flops = std::visit(Arithmetic(), op);
  for (const Operand& operand : Operands(op)) {
    const int64_t bytes = plan.tensor(operand.id).bytes();
    if (operand.access != Access::kWrite) cost.bytes_read += bytes;
    if (operand.access != Access::kRead) cost.bytes_written += bytes;
  }
  if (const auto* gather = std::get_if<GatherBatch>(&op)) {
    // Only the batch is touched, not the whole data set.
    const int64_t elems = plan.tensor(gather->images).elems();
    cost.bytes_read = elems + plan.tensor(gather->labels).rows;
  }
  if (const auto* gather = std::get_if<GatherPairs>(&op)) {
    cost.bytes_read = plan.tensor(gather->latents).bytes() + plan.tensor(gather->labels).rows;
  }
  return cost;
}

}  // namespace numeral
