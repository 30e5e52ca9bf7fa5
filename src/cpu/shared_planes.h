// Planes of dft_conv.h that several ops of a phase need: the first to need them makes them, the
// others find them there. A convolution's image is transformed on the way forward and for the
// weights' gradient, and its features for both gradients; which of them a layer has as its input
// does not matter.
#pragma once

#include <memory>
#include <vector>

#include "cpu/dft_planes.h"
#include "cpu/memory.h"
#include "cpu/onednn.h"
#include "plan/arena.h"

namespace numeral::cpu {

// What planes are made of, and how.
struct PlaneSource {
  const std::byte* tensor;
  int64_t bytes;
  dft::Operand operand;
  ConvGeometry geometry;
  bool operator==(const PlaneSource&) const = default;
};

// Ops are told about in the order in which they are compiled, which is that of their runs.
class SharedPlanes {
 public:
  // Nothing is shared between phases.
  void BeginPhase();
  // The current op needs the planes of `source`, and has `memory` for them. Returns whether an op
  // before has made them, since when nothing was written to the tensor; after Allocate(), `memory`
  // is theirs then.
  bool Need(const PlaneSource& source, const dnnl::memory& memory);
  // The current op writes there.
  void Written(const std::byte* bytes, int64_t count);
  void FinishOp() { ++op_; }

  // Memory for the planes that more than one op needs; those of a single one stay where they are.
  void Allocate(EngineCounters& counters);

 private:
  struct Shared {
    PlaneSource source;
    Lifetime lifetime;
    std::vector<dnnl::memory> memories;  // of all ops that need it
    bool valid;
  };
  std::vector<Shared> shared_;
  int op_ = 0;
  std::unique_ptr<Memory> memory_;
};

}  // namespace numeral::cpu
