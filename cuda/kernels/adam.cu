#include "cuda/kernels/adam.h"
#include "cuda/kernels/average.h"
#include "cuda/support/grid_split.h"
#include "cuda/support/simt.h"
#include "cuda/support/step.h"
#include "cuda/support/vector.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPacked = 4;  // elements of a pack
constexpr int64_t kMaxBlocks = 132 * 8;

struct AdamList {
  AdamArgs at[kMaxAdams];
  bool packed[kMaxAdams];
  GridSplit<kMaxAdams> split;
};

// How much of a pack is in the ranges of rounded gradients.
enum class Rounded { kNothing, kSome, kAll };

template <int kElems>
__device__ Rounded RoundedAt(const AdamArgs& args, int64_t i) {
  Rounded found = Rounded::kNothing;
  for (int r = 0; r < args.rounded_count; ++r) {
    const ElemRange& range = args.rounded_ranges[r];
    if (range.first <= i && i + kElems <= range.end) return Rounded::kAll;
    if (range.first < i + kElems && i < range.end) found = Rounded::kSome;
  }
  return found;
}

// Elements of all blocks, in registers.
template <int kElems>
struct Parts {
  Pack<float, kElems> grads, params, first, second, average;
  Rounded rounded;  // of the gradients
};

template <int kElems>
__device__ Pack<float, kElems> LoadGrads(const AdamArgs& args, int64_t i, Rounded rounded) {
  if (rounded == Rounded::kNothing) return LoadPack<float, kElems>(args.grads + i);
  Pack<float, kElems> grads;
  if (rounded == Rounded::kAll) {
    const auto pack = LoadPack<bf16, kElems>(args.rounded_grads + i);
    for (int j = 0; j < kElems; ++j) grads.at[j] = ToFloat(pack.at[j]);
    return grads;
  }
  for (int j = 0; j < kElems; ++j) {
    const bool in_range = RoundedAt<1>(args, i + j) == Rounded::kAll;
    grads.at[j] = in_range ? ToFloat(args.rounded_grads[i + j]) : args.grads[i + j];
  }
  return grads;
}

// Nothing but what was rounded: others may be reading the rest.
template <int kElems>
__device__ void StoreGrads(const AdamArgs& args, int64_t i, const Parts<kElems>& parts) {
  if (parts.rounded == Rounded::kAll) StorePack(args.grads + i, parts.grads);
  if (parts.rounded != Rounded::kSome) return;
  for (int j = 0; j < kElems; ++j) {
    if (RoundedAt<1>(args, i + j) == Rounded::kAll) args.grads[i + j] = parts.grads.at[j];
  }
}

template <int kElems>
__device__ Parts<kElems> Load(const AdamArgs& args, int64_t i) {
  const Rounded rounded = RoundedAt<kElems>(args, i);
  Parts<kElems> parts = {LoadGrads<kElems>(args, i, rounded),
                         LoadPack<float, kElems>(args.params + i),
                         LoadPack<float, kElems>(args.first_moment + i),
                         LoadPack<float, kElems>(args.second_moment + i),
                         {},
                         rounded};
  if (args.average != nullptr) parts.average = LoadPack<float, kElems>(args.average + i);
  return parts;
}

template <int kElems>
__device__ void StoreRounded(bf16* address, const Pack<float, kElems>& values) {
  Pack<bf16, kElems> rounded;
  for (int j = 0; j < kElems; ++j) rounded.at[j] = FromFloat<bf16>(values.at[j]);
  StorePack(address, rounded);
}

template <int kElems>
__device__ void Store(const AdamArgs& args, int64_t i, const Parts<kElems>& parts) {
  StoreGrads(args, i, parts);
  StorePack(args.params + i, parts.params);
  StorePack(args.first_moment + i, parts.first);
  StorePack(args.second_moment + i, parts.second);
  if (args.rounded != nullptr) StoreRounded(args.rounded + i, parts.params);
  if (args.average != nullptr) StorePack(args.average + i, parts.average);
  if (args.rounded_average != nullptr) StoreRounded(args.rounded_average + i, parts.average);
}

template <int kElems>
__device__ void Update(const AdamScalars& s, float decay, float rest, Parts<kElems>& parts) {
  for (int j = 0; j < kElems; ++j) {
    const float grad = parts.grads.at[j];
    const float m = s.beta1 * parts.first.at[j] + s.rest1 * grad;
    const float v = s.beta2 * parts.second.at[j] + s.rest2 * (grad * grad);
    parts.first.at[j] = m;
    parts.second.at[j] = v;
    parts.params.at[j] -= s.step_size * m / (sqrtf(v) * s.root_scale + s.epsilon);
    parts.average.at[j] = Averaged(decay, rest, parts.average.at[j], parts.params.at[j]);
  }
}

// A block's share of an update. kElems: 4, with the elements behind the last pack done by the first
// threads, or 1.
template <int kElems>
__device__ void UpdateShare(const AdamArgs& args, const GridShare& share,
                            AdamScalars* shared_scalars) {
  const int64_t thread = int64_t{share.block} * kThreads + threadIdx.x;
  const int64_t stride = int64_t{share.blocks} * kThreads * kElems;
  const int64_t packed = args.elems - args.elems % kElems;
  const float rest = RestOf(args.decay);
  int64_t i = thread * kElems;
  Parts<kElems> parts = {};
  if (i < packed) parts = Load<kElems>(args, i);
  if (threadIdx.x == 0) {
    const int64_t update = RunningStep(args.step) / args.period + 1;
    *shared_scalars = AdamScalarsAt(args.spec, update, args.total_updates);
  }
  __syncthreads();
  const AdamScalars scalars = *shared_scalars;
  while (i < packed) {
    Update(scalars, args.decay, rest, parts);
    Store(args, i, parts);
    i += stride;
    if (i < packed) parts = Load<kElems>(args, i);
  }
  if (packed + thread < args.elems) {
    Parts<1> tail = Load<1>(args, packed + thread);
    Update(scalars, args.decay, rest, tail);
    Store(args, packed + thread, tail);
  }
}

__global__ void __launch_bounds__(kThreads) adam_kernel(const __grid_constant__ AdamList list) {
  WaitForEarlierKernels();
  SIMT_SHARED(AdamScalars, scalars, [1]);
  const GridShare share = list.split.Share();
  if (list.packed[share.which]) {
    UpdateShare<kPacked>(list.at[share.which], share, scalars);
  } else {
    UpdateShare<1>(list.at[share.which], share, scalars);
  }
}

}  // namespace

void LaunchAdam(std::span<const AdamArgs> updates, cudaStream_t stream) {
  Require(updates.size() <= kMaxAdams, "adam: too many");
  AdamList list = {};
  for (size_t i = 0; i < updates.size(); ++i) {
    const AdamArgs& args = updates[i];
    Require(args.elems >= 0 && (args.elems == 0 || args.period > 0), "adam: sizes");
    Require(args.average != nullptr || args.rounded_average == nullptr, "adam: average");
    Require(args.rounded_count <= kMaxRoundedGrads, "adam: too many ranges");
    for (const ElemRange& range : std::span(args.rounded_ranges).first(args.rounded_count)) {
      Require(0 <= range.first && range.first <= range.end && range.end <= args.elems,
              "adam: range");
    }
    list.at[i] = args;
    list.packed[i] =
        Aligned(kPacked * sizeof(float), args.grads, args.params, args.first_moment,
                args.second_moment, args.average) &&
        Aligned(kPacked * sizeof(bf16), args.rounded, args.rounded_average, args.rounded_grads);
    const int64_t packs = list.packed[i] ? (args.elems + kPacked - 1) / kPacked : args.elems;
    list.split.Add(BlocksFor(packs, kThreads, kMaxBlocks));
  }
  if (list.split.blocks() == 0) return;
  Launch("adam", adam_kernel, {list.split.blocks(), kThreads}, stream, list);
}

}  // namespace numeral::cuda
