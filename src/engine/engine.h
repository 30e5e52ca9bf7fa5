// The boundary between plans and the machines that run them.
//
// An Engine compiles a Plan into an Executable: all primitives made, all memory allocated. After
// that a phase is enqueued again and again without allocating. Engines and executables are not
// thread-safe; several executables may live at once.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace numeral {

struct Capabilities {
  std::string name;         // "cpu"
  std::string description;  // for people: "CPU, 2 threads, oneDNN 2.6.3"
  // Whether ConvForward / DenseForward take a bias and an activation for free.
  bool conv_epilogue = false;
  bool dense_epilogue = false;
  std::vector<Precision> precisions{Precision::kFp32};
};

// What a run did so far; for tests and benchmarks.
struct EngineCounters {
  int64_t allocations = 0;  // of the engine's own memory
  int64_t primitives = 0;   // library primitives created
  int64_t reorders = 0;     // layout changes executed; of weights and weight gradients only
};

struct OpTime {
  int phase = 0, op = 0;  // indices into the plan
  int64_t runs = 0;
  double seconds = 0;
};

class Executable {
 public:
  virtual ~Executable() = default;
  // Copies a whole persistent tensor in or out, in plan layout. The span has exactly its bytes.
  // Read waits for everything enqueued before it; Write happens before everything enqueued after
  // it.
  virtual void Write(TensorId id, std::span<const std::byte> bytes) = 0;
  virtual void Read(TensorId id, std::span<std::byte> bytes) = 0;
  // Runs a phase, index into Plan::phases. May return before it is done.
  virtual void Enqueue(int phase) = 0;
  virtual void Sync() = 0;
  virtual EngineCounters Counters() const = 0;
  // Time per op since SetProfiling(true), which makes phases run op by op.
  virtual void SetProfiling(bool on) = 0;
  virtual std::vector<OpTime> OpTimes() const = 0;

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
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const Capabilities& capabilities() const = 0;
  virtual bool Supports(const Op& op) const = 0;
  // Keeps the plan alive. Throws Error(kFailure) naming the op that cannot be compiled.
  virtual std::unique_ptr<Executable> Compile(std::shared_ptr<const Plan> plan) = 0;
};

// `device` is "auto", "cpu" or "cuda". A named device never falls back; throws Error(kBadInput)
// with the reason where it cannot be had.
std::unique_ptr<Engine> MakeEngine(const std::string& device);

// Defined in cpu/. With `poison`, transient memory is NaN at the start of every phase: a read
// before a write shows.
std::unique_ptr<Engine> MakeCpuEngine(bool poison = false);

}  // namespace numeral
