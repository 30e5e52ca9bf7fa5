// What the products and convolutions of one executable share: the library's engine, packed copies
// of weights, and scratch memory. All of it is sized while ops are compiled and allocated once
// after.
#pragma once

#include <memory>
#include <vector>

#include "cpu/binding.h"
#include "cpu/memory.h"
#include "cpu/onednn.h"
#include "cpu/shared_planes.h"

namespace numeral::cpu {

struct RoundedCopy {
  const float* weight;
  int64_t elems;
  Bf16* rounded;
};

class Workspace {
 public:
  explicit Workspace(EngineCounters& counters);

  const dnnl::engine& engine() const { return engine_; }
  const dnnl::stream& stream() const { return stream_; }
  EngineCounters& counters() const { return counters_; }

  // Memory of `desc`'s layout at a tensor's address.
  dnnl::memory Bind(const dnnl::memory::desc& desc, const void* address) const;

  // The working copy of `weight` (plain layout at `plain`) in the layout `packed`; one copy per
  // weight and layout, whoever asks. Where the layouts are the same it is the weight itself.
  dnnl::memory PackedWeight(TensorId weight, const dnnl::memory::desc& plain, const float* address,
                            const dnnl::memory::desc& packed);
  // The copy of `elems` floats of a weight, in their order, rounded to bf16; one per weight.
  const Bf16* RoundedWeight(TensorId weight, const float* address, int64_t elems);

  // Below: compiled after every op that may ask for a copy.
  // Refreshes all working copies of `weight`, or the packed ones only: what updates weights
  // refreshes the rounded ones as it goes.
  Kernel Refresh(TensorId weight, bool packed_only);
  // Of the weights among `elems` floats, in the order of their addresses.
  std::vector<RoundedCopy> RoundedCopies(const float* first, int64_t elems) const;

  // Scratch that is valid within one op; all ops share it.
  dnnl::memory Scratch(const dnnl::memory::desc& desc);
  dnnl::memory SecondScratch(const dnnl::memory::desc& desc);
  // The same for parts of an op that run at the same time: side by side.
  std::vector<dnnl::memory> Scratches(const std::vector<dnnl::memory::desc>& descs);
  std::vector<dnnl::memory> SecondScratches(const std::vector<dnnl::memory::desc>& descs);
  // Of convolutions by Fourier transforms.
  SharedPlanes& shared_planes() { return shared_planes_; }

  // Allocates the scratch and the planes asked for. No op may run before.
  void Allocate();

 private:
  struct Packed {
    TensorId weight;
    dnnl::memory::desc desc;
    dnnl::memory memory;
    BoundPrimitive refresh;
  };
  struct Rounded {
    TensorId weight;
    RoundedCopy copy;
  };
  // A growing need of scratch, and the memories to point at it once it is there.
  struct Pool {
    struct User {
      dnnl::memory memory;
      int64_t offset_bytes;
    };
    int64_t bytes = 0;
    std::vector<User> users;
    std::unique_ptr<Memory> memory;
  };
  std::vector<dnnl::memory> Reserve(Pool& pool, const std::vector<dnnl::memory::desc>& descs);
  void Allocate(Pool& pool);

  EngineCounters& counters_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<std::unique_ptr<Memory>> memories_;
  std::vector<Packed> packed_;
  std::vector<Rounded> rounded_;
  Pool scratch_, second_scratch_;
  SharedPlanes shared_planes_;
};

}  // namespace numeral::cpu
