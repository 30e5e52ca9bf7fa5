// Plans of several ops that may become fewer nodes, held against the reference.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/emulator/device_tensor.h"
#include "tests/emulator/one_op_run.h"
#include "tests/emulator/stream.h"

namespace numeral::cuda {

using emulator::OneOpRun;

// A plan of several ops. Tensors in `transient` are no longer the host's.
inline OpCase WithOps(const OpCase& op_case, const std::vector<Op>& ops,
                      std::vector<TensorId> transient) {
  Plan plan = *op_case.plan;
  plan.phases[0].ops.clear();
  for (const Op& op : ops) plan.phases[0].ops.push_back({op, std::string(OpName(op))});
  OpCase result = op_case;
  for (const TensorId id : transient) {
    TensorInfo& info = plan.tensors[static_cast<size_t>(id)];
    info.storage = Storage::kTransient;
    info.offset_bytes = info.base == kNoTensor ? AlignUp(plan.transient_bytes, 64)
                                               : plan.tensor(info.base).offset_bytes +
                                                     info.offset_elems * BytesOf(info.dtype);
    plan.transient_bytes = std::max(plan.transient_bytes, info.offset_bytes + info.bytes());
    std::erase_if(result.writes, [&](const auto& write) { return write.first == id; });
  }
  result.plan = std::make_shared<const Plan>(std::move(plan));
  return result;
}

inline int64_t NodesOf(const OpCase& op_case) {
  return MakeCudaEngine({})->Compile(op_case.plan)->SizeOfGraph(0).nodes;
}

// Against the reference, with the same bits in every schedule.
inline void Check(const OpCase& op_case, const std::vector<std::string>& results, int64_t nodes) {
  INFO(op_case.name);
  CHECK(NodesOf(op_case) == nodes);
  const ReferenceResult expected(op_case);
  for (const std::string& name : results) {
    std::vector<double> first;
    for (const uint64_t seed : {1, 2, 3}) {
      emulator::SetSeed(seed);
      const OneOpRun run(op_case);
      const std::vector<double> values = run.Reals(name);
      if (seed == 1) {
        INFO(name);
        CheckClose(values, expected.Doubles(name), op_case.tolerance);
        const bool guarded = op_case.plan->FindTensor("guard/" + name) != kNoTensor;
        CHECK((!guarded || run.Reals("guard/" + name) == std::vector<double>(16, 12345)));
        first = values;
      }
      CHECK(values == first);
    }
  }
}

inline Tolerance ProductTolerance(DType dtype) {
  return dtype == DType::kF32 ? StoredAs<float>(tolerance::kProduct)
                              : StoredAs<bf16>(tolerance::kProduct);
}

}  // namespace numeral::cuda
