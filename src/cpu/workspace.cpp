#include "cpu/workspace.h"

#include <algorithm>
#include <functional>

#include "cpu/parallel.h"

namespace numeral::cpu {
namespace {

constexpr int64_t kGrain = 64;  // elements

void Round(const RoundedCopy& copy) {
  ParallelRanges(copy.elems, kGrain, copy.elems, [&](int64_t begin, int64_t end) {
    const float* from = copy.weight;
    Bf16* to = copy.rounded;
#pragma omp simd simdlen(kSimdElems)
    for (int64_t i = begin; i < end; ++i) to[i] = from[i];
  });
}

}  // namespace

Workspace::Workspace(EngineCounters& counters)
    : counters_(counters), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {}

dnnl::memory Workspace::Bind(const dnnl::memory::desc& desc, const void* address) const {
  return {desc, engine_, const_cast<void*>(address)};
}

dnnl::memory Workspace::PackedWeight(TensorId weight, const dnnl::memory::desc& plain,
                                     const float* address, const dnnl::memory::desc& packed) {
  if (packed == plain) return Bind(plain, address);
  for (const Packed& copy : packed_) {
    if (copy.weight == weight && copy.desc == packed) return copy.memory;
  }
  memories_.push_back(std::make_unique<Memory>(static_cast<int64_t>(packed.get_size()), counters_));
  const dnnl::memory memory = Bind(packed, memories_.back()->data());
  ++counters_.primitives;
  packed_.push_back(
      {weight, packed, memory,
       BoundPrimitive(MakeReorder(engine_, plain, packed, false),
                      {{DNNL_ARG_FROM, Bind(plain, address)}, {DNNL_ARG_TO, memory}})});
  return memory;
}

const Bf16* Workspace::RoundedWeight(TensorId weight, const float* address, int64_t elems) {
  for (const Rounded& other : rounded_) {
    if (other.weight == weight) return other.copy.rounded;
  }
  memories_.push_back(
      std::make_unique<Memory>(elems * static_cast<int64_t>(sizeof(Bf16)), counters_));
  auto* rounded = reinterpret_cast<Bf16*>(memories_.back()->data());
  rounded_.push_back({weight, {address, elems, rounded}});
  return rounded;
}

std::vector<RoundedCopy> Workspace::RoundedCopies(const float* first, int64_t elems) const {
  std::vector<RoundedCopy> copies;
  for (const Rounded& other : rounded_) {
    const auto before = [](const float* a, const float* b) { return std::less<>()(a, b); };
    if (before(other.copy.weight, first) || !before(other.copy.weight, first + elems)) continue;
    copies.push_back(other.copy);
  }
  std::sort(copies.begin(), copies.end(), [](const RoundedCopy& a, const RoundedCopy& b) {
    return std::less<>()(a.weight, b.weight);
  });
  return copies;
}

Kernel Workspace::Refresh(TensorId weight, bool packed_only) {
  std::vector<BoundPrimitive> refreshes;
  for (const Packed& copy : packed_) {
    if (copy.weight == weight) refreshes.push_back(copy.refresh);
  }
  std::vector<RoundedCopy> copies;
  for (const Rounded& other : rounded_) {
    if (other.weight == weight && !packed_only) copies.push_back(other.copy);
  }
  return [this, refreshes = std::move(refreshes), copies = std::move(copies)] {
    for (const BoundPrimitive& refresh : refreshes) refresh.Run(stream_);
    for (const RoundedCopy& copy : copies) Round(copy);
    counters_.reorders += static_cast<int64_t>(refreshes.size());
  };
}

std::vector<dnnl::memory> Workspace::Reserve(Pool& pool,
                                             const std::vector<dnnl::memory::desc>& descs) {
  std::vector<dnnl::memory> memories;
  int64_t offset_bytes = 0;
  for (const dnnl::memory::desc& desc : descs) {
    memories.emplace_back(desc, engine_, nullptr);
    pool.users.push_back({memories.back(), offset_bytes});
    offset_bytes += AlignUp(static_cast<int64_t>(desc.get_size()));
  }
  pool.bytes = std::max(pool.bytes, offset_bytes);
  return memories;
}

dnnl::memory Workspace::Scratch(const dnnl::memory::desc& desc) { return Scratches({desc})[0]; }
dnnl::memory Workspace::SecondScratch(const dnnl::memory::desc& desc) {
  return SecondScratches({desc})[0];
}
std::vector<dnnl::memory> Workspace::Scratches(const std::vector<dnnl::memory::desc>& descs) {
  return Reserve(scratch_, descs);
}
std::vector<dnnl::memory> Workspace::SecondScratches(const std::vector<dnnl::memory::desc>& descs) {
  return Reserve(second_scratch_, descs);
}

void Workspace::Allocate(Pool& pool) {
  pool.memory = std::make_unique<Memory>(pool.bytes, counters_);
  for (Pool::User& user : pool.users) {
    user.memory.set_data_handle(pool.memory->data() + user.offset_bytes);
  }
}

void Workspace::Allocate() {
  Allocate(scratch_);
  Allocate(second_scratch_);
  shared_planes_.Allocate(counters_);
}

}  // namespace numeral::cpu
