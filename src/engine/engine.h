// The boundary between plans and the machines that run them.
//
// An Engine compiles a Plan into an Executable: all primitives made, all memory allocated. After
// that a phase is enqueued again and again without allocating. Engines and executables are not
// thread-safe; several executables may live at once, and engines and executables of their own may
// work on several threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plan/plan.h"
#include "util/error.h"

namespace numeral {

struct Capabilities {
  std::string name;         // "cpu"
  std::string description;  // for people: "CPU, 2 threads, oneDNN 2.6.3"
  // Whether ConvForward / DenseForward take a bias and an activation for free.
  bool conv_epilogue = false;
  bool dense_epilogue = false;
  std::vector<Precision> precisions{Precision::kFp32};
  // For people, with what it takes to have the others: "fp32 and bf16; tf32 takes a GPU".
  std::string precisions_text{"fp32"};
  // Whether phases run as graphs, which Executable::SizeOfGraph knows.
  bool graphs = false;
  // How many steps to hand over at a time: more than 1 where the engine works on by itself.
  int64_t steps_at_once = 1;
};

// What a run did so far; for tests and benchmarks.
struct EngineCounters {
  int64_t allocations = 0;  // of the engine's own memory
  int64_t primitives = 0;   // library primitives created
  int64_t reorders = 0;     // layout changes executed; of weights and weight gradients only
  int64_t waits = 0;        // times the host waited until the engine had done all its work
  int64_t graph_launches = 0;
};

// Kernels and copies, how many of them come one after another at least, and how many may start
// before the one in front of them has ended.
struct GraphSize {
  int64_t nodes = 0, longest_path = 0, early_starts = 0;
};

struct OpTime {
  int phase = 0, op = 0;  // indices into the plan
  int64_t runs = 0;
  double seconds = 0;
};

// The memory of a plan's data tensors, for as long as any executable reads it.
class DataMemory {
 public:
  virtual ~DataMemory() = default;
};

class Executable {
 public:
  virtual ~Executable() = default;
  // Copies a whole persistent or data tensor in or out, in plan layout. The span has exactly its
  // bytes. Read waits for everything enqueued before it; Write happens before everything enqueued
  // after it.
  virtual void Write(TensorId id, std::span<const std::byte> bytes) = 0;
  virtual void Read(TensorId id, std::span<std::byte> bytes) = 0;
  // Read in two halves, so that the engine works on in between: StartRead copies the tensor as what
  // is enqueued so far leaves it, FinishRead waits for that copy alone. Finished in the order they
  // were started in; at most kReadsUnderWay at a time.
  static constexpr int kReadsUnderWay = 2;
  virtual void StartRead(TensorId id, size_t size_bytes) {
    NUMERAL_CHECK(started_reads_.size() < kReadsUnderWay);
    Read(id, started_reads_.emplace_back(size_bytes));
  }
  virtual void FinishRead(std::span<std::byte> bytes) {
    NUMERAL_CHECK(!started_reads_.empty() && started_reads_.front().size() == bytes.size());
    std::copy(started_reads_.front().begin(), started_reads_.front().end(), bytes.begin());
    started_reads_.pop_front();
  }
  // Runs a phase, index into Plan::phases, so many times. May return before it is done.
  virtual void Enqueue(int phase, int64_t times = 1) = 0;
  virtual void Sync() = 0;
  virtual EngineCounters Counters() const = 0;
  // Where the data tensors are, for Engine::CompileSharing; nullptr of an engine that cannot share.
  virtual std::shared_ptr<DataMemory> Data() const { return nullptr; }
  // Time per op since SetProfiling(true), which makes phases run op by op.
  virtual void SetProfiling(bool on) = 0;
  virtual std::vector<OpTime> OpTimes() const = 0;
  // Begins or ends what a profiler attached to the process records; false where the engine has no
  // such.
  virtual bool RecordForProfiler(bool /*on*/) { return false; }
  // Of one run of a phase; only where Capabilities::graphs.
  virtual GraphSize SizeOfGraph(int /*phase*/) { Fail("internal error: an engine without graphs"); }

  template <typename T>
  std::vector<T> ReadAll(TensorId id, int64_t elems) {
    std::vector<T> values(static_cast<size_t>(elems));
    Read(id, std::as_writable_bytes(std::span(values)));
    return values;
  }
  template <typename T>
  void WriteAll(TensorId id, const std::vector<T>& values) {
    Write(id, std::as_bytes(std::span(values)));
  }

 private:
  std::deque<std::vector<std::byte>> started_reads_;  // of engines that are done when they return
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const Capabilities& capabilities() const = 0;
  virtual bool Supports(const Op& op) const = 0;
  // Keeps the plan alive. Throws Error(kFailure) naming the op that cannot be compiled.
  virtual std::unique_ptr<Executable> Compile(std::shared_ptr<const Plan> plan) = 0;
  // The same with the data tensors of another executable in place of its own, whose engine was made
  // with this one's device and whose plan has the same data tensors. They are written through that
  // other one alone, before this one runs.
  virtual std::unique_ptr<Executable> CompileSharing(std::shared_ptr<const Plan> /*plan*/,
                                                     std::shared_ptr<DataMemory> /*data*/) {
    Fail("internal error: the {} engine cannot share data", capabilities().name);
  }
  // Threads of the processor that an executable of this plan would have; 0 where that is no
  // question.
  virtual int ThreadsFor(const Plan& /*plan*/) const { return 0; }
};

struct EngineOptions {
  // Transient memory is NaN at the start of every phase: a read before a write shows.
  bool poison = false;
  // Phases run as captured graphs where the engine has such; without, op by op.
  bool graphs = true;
  // Threads of the CPU engine's executables; 0: chosen for each plan (Engine::ThreadsFor), at most
  // as many as OpenMP offers the thread that makes the engine. Sums may differ in their last bits
  // between numbers of threads.
  int threads = 0;
};

// `device` is "auto", "cpu" or "cuda". A named device never falls back; throws Error(kBadInput)
// with the reason where it cannot be had. "auto" is the GPU where there is one.
std::unique_ptr<Engine> MakeEngine(const std::string& device, const EngineOptions& options = {});

// "step[256]: 37 graph nodes, 24 on the longest path, 9 start early", a line for every phase; empty
// where the engine has no graphs. Runs every phase once.
std::string DescribeGraphs(const std::shared_ptr<const Plan>& plan, Engine& engine);

// Defined in cpu/.
std::unique_ptr<Engine> MakeCpuEngine(const EngineOptions& options = {});

}  // namespace numeral
