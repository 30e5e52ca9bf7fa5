// What the nodes of one executable share: libraries, the lanes that they run on with their scratch
// memory and the counters of kernels whose last block finishes the work, bf16 copies of weights and
// of gradients, and small tables.
//
// Scratch and counters are asked for while ops are compiled and allocated once after, for each
// lane; nodes are therefore handed the lane when they run.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <vector>

#include "cuda/engine/binding.h"
#include "cuda/engine/schedule.h"
#include "cuda/lib/convolution.h"
#include "cuda/lib/product.h"
#include "cuda/support/runtime.h"
#include "engine/engine.h"

namespace numeral::cuda {

// One of each per engine.
struct Libraries {
  explicit Libraries(const std::filesystem::path& plan_cache) : convolutions(plan_cache) {}
  ConvolutionLibrary convolutions;
  ProductLibrary products;
};

class Workspace {
 public:
  Workspace(Precision precision, Libraries& libraries, cudaStream_t stream,
            EngineCounters& counters);

  Libraries& libraries() const { return libraries_; }
  MatrixMode mode() const { return mode_; }
  cudaStream_t stream() const { return stream_; }
  EngineCounters& counters() const { return counters_; }

  // Counted device memory.
  DeviceMemory NewMemory(size_t bytes);

  // At least so many bytes of a lane's scratch, and so many of its block counters.
  void Reserve(size_t bytes) { scratch_bytes_ = std::max(scratch_bytes_, bytes); }
  void ReserveBlockCounters(int count) { counter_count_ = std::max(counter_count_, count); }

  // A constant table on the device, filled from the host once; kept as long as the workspace.
  const int32_t* Table(const std::vector<int32_t>& values);

  // The bf16 copy of a weight, in its layout. Its memory mirrors that of the weight's base tensor,
  // so that an update of all weights refreshes all copies in one pass.
  bf16* MakeRounded(const Binding& binding, TensorId weight);
  // What a library reads a weight from: itself, or its bf16 copy.
  void* MatrixOperand(const Binding& binding, TensorId weight);
  // nullptr where nothing of the base tensor has been asked for.
  bf16* Rounded(const Binding& binding, TensorId weight) const;

  // From the op that computes it to the update that reads it, the gradient is in its copy alone
  // (rounded_gradients.h).
  void KeepRounded(const Binding& binding, TensorId gradient);
  const std::vector<TensorId>& rounded_gradients() const { return rounded_gradients_; }

  // Allocates what was asked for. No node may run before.
  void Allocate();
  // By Place::lane; the first one's stream is stream().
  const std::array<Lane, kLanes>& lanes() const { return lanes_; }

 private:
  Libraries& libraries_;
  MatrixMode mode_;
  cudaStream_t stream_;
  EngineCounters& counters_;
  size_t scratch_bytes_ = 0;
  int counter_count_ = 0;
  std::array<Stream, kLanes - 1> side_streams_;
  std::array<DeviceMemory, kLanes> scratch_, counter_memory_;
  std::array<Lane, kLanes> lanes_;
  std::vector<DeviceMemory> tables_;
  std::map<TensorId, DeviceMemory> mirrors_;  // of base tensors
  std::vector<TensorId> rounded_gradients_;
};

}  // namespace numeral::cuda
