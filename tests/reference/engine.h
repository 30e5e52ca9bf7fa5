// The reference engine: every op of plan/ops.h by plain loops in double.
//
// It defines what the other engines are held against, so it shares no arithmetic with them: only
// the draws (util/random.h, util/permutation.h) and the step sizes (plan/schedule.h), which have
// tests of their own. Slow on purpose; one thread; nothing is fused, packed or reused.
#pragma once

#include <memory>
#include <vector>

#include "engine/engine.h"
#include "tests/reference/store.h"

namespace numeral::reference {

class ReferenceExecutable final : public Executable {
 public:
  explicit ReferenceExecutable(std::shared_ptr<const Plan> plan)
      : plan_(std::move(plan)), store_(*plan_) {}

  // f32 tensors pass through float here; the two below keep every bit of the double. Unlike other
  // engines, transient tensors can be read and written as well: they keep the values of the last
  // phase.
  void Write(TensorId id, std::span<const std::byte> bytes) override;
  void Read(TensorId id, std::span<std::byte> bytes) override;
  void WriteDoubles(TensorId id, const std::vector<double>& values);
  std::vector<double> ReadDoubles(TensorId id);

  // Runs at once. Errors carry the op's label.
  void Enqueue(int phase, int64_t times = 1) override;
  void Sync() override {}
  EngineCounters Counters() const override { return {}; }
  void SetProfiling(bool) override {}
  std::vector<OpTime> OpTimes() const override { return {}; }

 private:
  void RunPhase(int phase);

  std::shared_ptr<const Plan> plan_;
  Store store_;
};

class ReferenceEngine final : public Engine {
 public:
  const Capabilities& capabilities() const override { return capabilities_; }
  bool Supports(const Op&) const override { return true; }
  std::unique_ptr<Executable> Compile(std::shared_ptr<const Plan> plan) override {
    return std::make_unique<ReferenceExecutable>(std::move(plan));
  }

 private:
  Capabilities capabilities_{.name = "reference",
                             .description = "plain loops in double",
                             .conv_epilogue = true,
                             .dense_epilogue = true};
};

}  // namespace numeral::reference
