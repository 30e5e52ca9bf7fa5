// The CPU engine: compiles every op of a plan to a kernel and runs phases as lists of them.
#include <chrono>
#include <cstring>

#include "cpu/elementwise.h"
#include "cpu/products.h"
#include "cpu/threads.h"
#include "engine/engine.h"
#include "util/threads.h"

namespace numeral {
namespace cpu {
namespace {

using Clock = std::chrono::steady_clock;

class CpuExecutable : public Executable {
 public:
  // Without `data` it has its own.
  CpuExecutable(std::shared_ptr<const Plan> plan, std::shared_ptr<CpuData> data, int threads,
                bool poison)
      : plan_(std::move(plan)),
        threads_(threads),
        poison_(poison),
        owns_data_(data == nullptr),
        data_(owns_data_ ? std::make_shared<CpuData>(plan_->data_bytes, counters_)
                         : std::move(data)),
        persistent_(plan_->persistent_bytes, counters_),
        transient_(plan_->transient_bytes, counters_),
        binding_(*plan_, persistent_.data(), data_->data(), transient_.data()),
        workspace_(counters_) {
    NUMERAL_CHECK(data_->bytes() == plan_->data_bytes);
    const ThreadLimit limit(threads_);  // kernels are made for their number of threads
    for (const Phase& phase : plan_->phases) {
      std::vector<Kernel> kernels;
      workspace_.shared_planes().BeginPhase();
      for (const PhaseOp& op : phase.ops) {
        kernels.push_back(RefreshesCopies(op) ? Kernel() : Compile(op));
        FinishSharing(op);
      }
      phases_.push_back(std::move(kernels));
    }
    // Working copies are known only once every op has asked for its own.
    for (size_t p = 0; p < phases_.size(); ++p) {
      const std::vector<PhaseOp>& ops = plan_->phases[p].ops;
      for (size_t i = 0; i < ops.size(); ++i) {
        if (const auto* prepare = std::get_if<PrepareWeight>(&ops[i].op)) {
          const bool packed_only = IsUpdated(ops, i, prepare->weight);
          phases_[p][i] = workspace_.Refresh(prepare->weight, packed_only);
        } else if (RefreshesCopies(ops[i])) {
          phases_[p][i] = Compile(ops[i]);
        }
      }
    }
    workspace_.Allocate();
  }

  void Write(TensorId id, std::span<const std::byte> bytes) override {
    CheckTransfer(id, bytes.size());
    NUMERAL_CHECK(owns_data_ || plan_->tensor(id).storage != Storage::kData);
    std::memcpy(binding_.Address(id), bytes.data(), bytes.size());
  }

  void Read(TensorId id, std::span<std::byte> bytes) override {
    CheckTransfer(id, bytes.size());
    std::memcpy(bytes.data(), binding_.Address(id), bytes.size());
  }

  void Enqueue(int phase, int64_t times) override {
    const ThreadLimit limit(threads_);
    for (int64_t i = 0; i < times; ++i) RunPhase(phase);
  }

  void Sync() override {}
  EngineCounters Counters() const override { return counters_; }
  std::shared_ptr<DataMemory> Data() const override { return data_; }

  void SetProfiling(bool on) override {
    profiling_ = on;
    times_.clear();
    for (size_t p = 0; on && p < phases_.size(); ++p) {
      for (size_t i = 0; i < phases_[p].size(); ++i) {
        times_.push_back({static_cast<int>(p), static_cast<int>(i), 0, 0});
      }
    }
  }
  std::vector<OpTime> OpTimes() const override { return times_; }

 private:
  void RunPhase(int phase) {
    if (poison_) {
      // NaN as fp32 and as bf16.
      std::memset(transient_.data(), 0xFF, static_cast<size_t>(plan_->transient_bytes));
    }
    if (profiling_) return RunTimed(phase);
    for (const Kernel& kernel : phases_[static_cast<size_t>(phase)]) kernel();
  }

  void FinishSharing(const PhaseOp& op) {
    for (const Operand& operand : Operands(op.op)) {
      if (operand.access == Access::kRead) continue;
      workspace_.shared_planes().Written(binding_.Address(operand.id),
                                         plan_->tensor(operand.id).bytes());
    }
    workspace_.shared_planes().FinishOp();
  }

  static bool RefreshesCopies(const PhaseOp& op) {
    return std::holds_alternative<PrepareWeight>(op.op) ||
           std::holds_alternative<AdamUpdate>(op.op);
  }
  // Whether, of the ops before ops[i], the last to write `weight` is an update.
  bool IsUpdated(const std::vector<PhaseOp>& ops, size_t i, TensorId weight) const {
    while (i-- > 0) {
      for (const Operand& operand : Operands(ops[i].op)) {
        const bool writes = operand.access != Access::kRead;
        if (writes && plan_->Base(operand.id) == plan_->Base(weight)) {
          return std::holds_alternative<AdamUpdate>(ops[i].op);
        }
      }
    }
    return false;
  }

  Kernel Compile(const PhaseOp& phase_op) {
    try {
      return std::visit(
          [&](const auto& op) -> Kernel {
            using OpType = std::decay_t<decltype(op)>;
            if constexpr (std::is_same_v<OpType, PrepareWeight>) {
              return {};
            } else if constexpr (requires { MakeKernel(op, binding_, workspace_); }) {
              return MakeKernel(op, binding_, workspace_);
            } else {
              return MakeKernel(op, binding_);
            }
          },
          phase_op.op);
    } catch (const dnnl::error& error) {
      Fail("the CPU engine cannot compile {} ({}), {}: {}", OpName(phase_op.op), phase_op.label,
           Attributes(phase_op.op), error.what());
    }
  }

  void RunTimed(int phase) {
    size_t row = 0;
    for (int p = 0; p < phase; ++p) row += phases_[static_cast<size_t>(p)].size();
    for (const Kernel& kernel : phases_[static_cast<size_t>(phase)]) {
      const auto begin = Clock::now();
      kernel();
      times_[row].seconds += std::chrono::duration<double>(Clock::now() - begin).count();
      ++times_[row++].runs;
    }
  }

  void CheckTransfer(TensorId id, size_t bytes) const {
    NUMERAL_CHECK(plan_->tensor(id).storage != Storage::kTransient);
    NUMERAL_CHECK(static_cast<size_t>(plan_->tensor(id).bytes()) == bytes);
  }

  EngineCounters counters_;
  std::shared_ptr<const Plan> plan_;
  int threads_;
  bool poison_, profiling_ = false;
  bool owns_data_;
  std::shared_ptr<CpuData> data_;
  Memory persistent_, transient_;
  Binding binding_;
  Workspace workspace_;
  std::vector<std::vector<Kernel>> phases_;
  std::vector<OpTime> times_;
};

class CpuEngine : public Engine {
 public:
  explicit CpuEngine(const EngineOptions& options)
      : poison_(options.poison), threads_(options.threads), most_threads_(OfferedThreads()) {
    const int threads = threads_ > 0 ? threads_ : most_threads_;
    capabilities_ = {.name = "cpu",
                     .description = fmt::format("CPU, {} thread{}, oneDNN {}", threads,
                                                threads == 1 ? "" : "s", LibraryVersion()),
                     .conv_epilogue = true,
                     .dense_epilogue = true,
                     .precisions_text =
                         "fp32 on this processor; bf16 takes one with AVX512-BF16 "
                         "or AMX, tf32 takes a GPU"};
    if (ProcessorHasBf16()) {
      capabilities_.precisions.push_back(Precision::kBf16);
      capabilities_.precisions_text = "fp32 and bf16; tf32 takes a GPU";
    }
  }

  const Capabilities& capabilities() const override { return capabilities_; }
  bool Supports(const Op&) const override { return true; }
  std::unique_ptr<Executable> Compile(std::shared_ptr<const Plan> plan) override {
    return CompileWith(std::move(plan), nullptr);
  }
  std::unique_ptr<Executable> CompileSharing(std::shared_ptr<const Plan> plan,
                                             std::shared_ptr<DataMemory> data) override {
    auto of_cpu = std::dynamic_pointer_cast<CpuData>(data);
    NUMERAL_CHECK(of_cpu != nullptr);
    return CompileWith(std::move(plan), std::move(of_cpu));
  }
  int ThreadsFor(const Plan& plan) const override {
    return threads_ > 0 ? threads_ : ChooseThreads(plan, most_threads_);
  }

 private:
  std::unique_ptr<Executable> CompileWith(std::shared_ptr<const Plan> plan,
                                          std::shared_ptr<CpuData> data) const {
    const int threads = ThreadsFor(*plan);
    return std::make_unique<CpuExecutable>(std::move(plan), std::move(data), threads, poison_);
  }

  Capabilities capabilities_;
  bool poison_;
  int threads_;  // 0: chosen for each plan
  int most_threads_;
};

}  // namespace
}  // namespace cpu

std::unique_ptr<Engine> MakeCpuEngine(const EngineOptions& options) {
  return std::make_unique<cpu::CpuEngine>(options);
}

}  // namespace numeral
