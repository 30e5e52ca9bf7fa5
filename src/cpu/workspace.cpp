#include "cpu/workspace.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

#include "cpu/parallel.h"

namespace numeral::cpu {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = 2 << 20;
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

Memory::Memory(int64_t bytes, EngineCounters& counters) {
  const auto size = static_cast<size_t>(std::max<int64_t>(bytes, 64));
  // Beyond the machine's memory an allocation may succeed and the process die when it is touched.
  const auto machine =
      static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
  if (size > machine) {
    Fail("the CPU engine needs {} MiB and this machine has {}; lower the batch size", size >> 20,
         machine >> 20);
  }
  try {
    const size_t alignment = size < kHugePage ? kAlignment : kHugePage;
    data_ = {static_cast<std::byte*>(::operator new[](size, std::align_val_t{alignment})),
             Free{alignment}};
    // A column of a large matrix, or one element of many planes, is in a page of its own for each
    // of its elements, more than the processor has at hand. Where the system has no such pages,
    // nothing changes.
    if (alignment == kHugePage) madvise(data_.get(), size, MADV_HUGEPAGE);
  } catch (const std::bad_alloc&) {
    Fail("the CPU engine cannot get {} MiB of memory; lower the batch size", size >> 20);
  }
  std::memset(data_.get(), 0, size);
  ++counters.allocations;
}

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
  size_t offset_bytes = 0;
  for (const dnnl::memory::desc& desc : descs) {
    memories.emplace_back(desc, engine_, nullptr);
    pool.users.push_back({memories.back(), offset_bytes});
    offset_bytes += (desc.get_size() + kAlignment - 1) / kAlignment * kAlignment;
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
  pool.memory = std::make_unique<Memory>(static_cast<int64_t>(pool.bytes), counters_);
  for (Pool::User& user : pool.users) {
    user.memory.set_data_handle(pool.memory->data() + user.offset_bytes);
  }
}

void Workspace::Allocate() {
  Allocate(scratch_);
  Allocate(second_scratch_);
}

}  // namespace numeral::cpu
