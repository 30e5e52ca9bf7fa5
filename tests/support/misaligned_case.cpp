#include <map>

#include "tests/support/one_op.h"

namespace numeral {

OpCase WithMisalignedTensors(const OpCase& op_case) {
  Plan plan = *op_case.plan;
  std::map<int64_t, int64_t> moved;  // tensors that share memory still do
  int64_t end = 0;
  for (TensorInfo& info : plan.tensors) {
    if (info.base != kNoTensor) {
      const TensorInfo& base = plan.tensor(info.base);
      info.offset_bytes = base.offset_bytes + info.offset_elems * BytesOf(info.dtype);
      continue;
    }
    const bool is_guard = info.name.starts_with("guard/");
    const int64_t offset = is_guard ? AlignUp(end, 4) : AlignUp(end, 64) + BytesOf(info.dtype);
    const auto [place, is_new] = moved.try_emplace(info.offset_bytes, offset);
    info.offset_bytes = place->second;
    if (is_new) end = info.offset_bytes + info.bytes();
  }
  plan.persistent_bytes = end;

  OpCase result = op_case;
  result.name += ", misaligned";
  result.plan = std::make_shared<const Plan>(std::move(plan));
  return result;
}

}  // namespace numeral
