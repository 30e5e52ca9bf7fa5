#include "bench/op_times.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "plan/arena.h"
#include "util/error.h"

namespace numeral::bench {
namespace {

using Clock = std::chrono::steady_clock;

// Adding two such tensors into a third leaves nothing else in any cache of today.
constexpr int kFlushElems = 32 << 20;
// So long a run of one node is timed at once.
constexpr double kWarmSeconds = 2e-3;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

PhaseOp AddFlush(Plan& plan) {
  std::array<TensorId, 3> ids;
  for (TensorId& id : ids) {
    id = static_cast<TensorId>(plan.tensors.size());
    TensorInfo info;
    info.name = "flush/" + std::to_string(id);
    info.storage = Storage::kPersistent;
    info.shape = Shape::Flat(kFlushElems);
    plan.tensors.push_back(info);
  }
  return {BinaryForward{BinaryKind::kAdd, false, ids[0], ids[1], ids[2]}, "flush"};
}

int AddPhase(Plan& plan, std::vector<PhaseOp> ops, int batch_size) {
  plan.phases.push_back({PhaseKind::kSample, batch_size, std::move(ops)});
  return static_cast<int>(plan.phases.size()) - 1;
}

void CopyState(const Plan& plan, Executable& from, Executable& to) {
  for (TensorId id = 0; id < static_cast<TensorId>(plan.tensors.size()); ++id) {
    const TensorInfo& info = plan.tensor(id);
    if (info.storage != Storage::kPersistent || info.base != kNoTensor) continue;
    std::vector<std::byte> bytes(static_cast<size_t>(info.bytes()));
    from.Read(id, bytes);
    to.Write(id, bytes);
  }
}

}  // namespace

std::vector<StepNode> NodesThatRan(const Plan& plan, const Executable& executable) {
  const std::vector<OpTime> times = executable.OpTimes();
  std::vector<StepNode> nodes;
  for (size_t i = 0; i < times.size(); ++i) {
    if (times[i].runs == 0) continue;
    const bool last = i + 1 == times.size() || times[i + 1].phase != times[i].phase;
    const int end =
        last ? static_cast<int>(plan.phases[static_cast<size_t>(times[i].phase)].ops.size())
             : times[i + 1].op;
    nodes.push_back(
        {times[i].phase, times[i].op, end - times[i].op, times[i].runs, times[i].seconds});
  }
  return nodes;
}

Cost CostOf(const Plan& plan, std::span<const PhaseOp> ops) {
  Cost sum;
  std::set<TensorId> written;
  for (const PhaseOp& op : ops) {
    const Cost cost = numeral::CostOf(plan, op.op);
    sum.bytes_read += cost.bytes_read;
    sum.bytes_written += cost.bytes_written;
    sum.flops += cost.flops;
    for (const Operand& operand : Operands(op.op)) {
      if (operand.access != Access::kWrite && written.contains(operand.id)) {
        sum.bytes_read -= plan.tensor(operand.id).bytes();
      }
    }
    for (const Operand& operand : Operands(op.op)) {
      if (operand.access != Access::kRead) written.insert(operand.id);
    }
  }
  return sum;
}

Json Describe(const Plan& plan, const StepNode& node) {
  std::string name, label, attributes;
  for (const PhaseOp& op : node.ops(plan)) {
    name += (name.empty() ? "" : "+") + std::string(OpName(op.op));
    label += (label.empty() ? "" : "+") + op.label;
    if (attributes.empty()) attributes = Attributes(op.op);
  }
  const Cost cost = CostOf(plan, node.ops(plan));
  return {{"op", name},
          {"label", label},
          {"attributes", attributes},
          {"bytes", cost.bytes_read + cost.bytes_written},
          {"flops", cost.flops}};
}

NodesAlone::NodesAlone(const Plan& plan, Executable& session, Engine& engine,
                       std::vector<StepNode> nodes) {
  Plan copy = plan;
  const PhaseOp flush = AddFlush(copy);
  std::set<int> step_phases;
  for (const StepNode& node : nodes) {
    const auto ops = node.ops(plan);
    std::vector<PhaseOp> warm(ops.begin(), ops.end()), cold{flush};
    cold.insert(cold.end(), ops.begin(), ops.end());
    const int batch = plan.phases[static_cast<size_t>(node.phase)].batch_size;
    step_phases.insert(node.phase);
    warm_phases_.push_back(AddPhase(copy, std::move(warm), batch));
    cold_phases_.push_back(AddPhase(copy, std::move(cold), batch));
  }
  PlaceTensors(copy, false, 0);
  plan_ = std::make_shared<const Plan>(std::move(copy));
  executable_ = engine.Compile(plan_);
  CopyState(plan, session, *executable_);
  const int prepare = plan.FindPhase(PhaseKind::kPrepare, 0);
  if (prepare >= 0) executable_->Enqueue(prepare);
  for (const int phase : step_phases) executable_->Enqueue(phase);
  executable_->Sync();
}

AloneTimes NodesAlone::Time(size_t node, int runs) {
  return {WarmMs(warm_phases_[node], runs), ColdMs(cold_phases_[node], runs)};
}

double NodesAlone::WarmMs(int phase, int runs) {
  const auto seconds_of = [&](int64_t times) {
    const auto begin = Clock::now();
    executable_->Enqueue(phase, times);
    executable_->Sync();
    return SecondsSince(begin);
  };
  seconds_of(32);  // captures what an engine captures
  const auto times = std::max<int64_t>(1, static_cast<int64_t>(kWarmSeconds / seconds_of(1)));
  std::vector<double> each;
  for (int i = 0; i < runs; ++i)
    each.push_back(seconds_of(times) * 1e3 / static_cast<double>(times));
  return Median(std::move(each));
}

// By the engine's own clock, which leaves the flush out.
double NodesAlone::ColdMs(int phase, int runs) {
  std::vector<double> each;
  for (int i = 0; i < runs; ++i) {
    executable_->SetProfiling(true);
    executable_->Enqueue(phase);
    executable_->Sync();
    double seconds = 0;
    for (const OpTime& time : executable_->OpTimes()) {
      if (time.phase == phase && time.op > 0) seconds += time.seconds;
    }
    each.push_back(seconds * 1e3);
  }
  executable_->SetProfiling(false);
  return Median(std::move(each));
}

}  // namespace numeral::bench
