#include <algorithm>

#include "cuda/kernels/draw_parts.h"
#include "cuda/kernels/gather_parts.h"
#include "cuda/kernels/sources.h"
#include "cuda/support/grid_split.h"
#include "cuda/support/reduce.h"
#include "cuda/support/simt.h"
#include "cuda/support/step.h"

namespace numeral::cuda {
namespace {

static_assert(kGatherThreads == kDrawThreads);

template <typename T>
struct SourceList {
  StepCounter counter;
  SourceArgs<T> at[kMaxSources];
  bool packed[kMaxSources];
  GridSplit<kMaxSources> split;
};

template <typename T>
__device__ void MakeShare(const SourceArgs<T>& source, bool packed, int64_t step,
                          const GridShare& share) {
  const ValueDraws<T>& values = source.values;
  const DigitDraws& digits = source.digits;
  switch (source.kind) {
    case SourceKind::kBatch:
      return GatherRow(source.batch, packed, step, share.block);
    case SourceKind::kPairs:
      return GatherRow(source.pairs, packed, step, share.block);
    case SourceKind::kNormals:
      return DrawShare(values.draws, step, Normals<T>{}, values.out, values.elems, packed, share);
    case SourceKind::kUniforms:
      return DrawShare(values.draws, step, Uniforms<T>{}, values.out, values.elems, packed, share);
    case SourceKind::kTimes:
      return DrawShare(values.draws, step, Times<T>{}, values.out, values.elems, packed, share);
    case SourceKind::kDigits:
      return DrawShare(digits.draws, step,
                       Digits{digits.choices, static_cast<uint32_t>(digits.choice_count)},
                       digits.out, digits.elems, packed, share);
  }
}

template <typename T>
__global__ void __launch_bounds__(kDrawThreads)
    sources_kernel(const __grid_constant__ SourceList<T> list) {
  WaitForEarlierKernels();
  const StepCounter& counter = list.counter;
  const int64_t step = RunningStep(counter.step) + (counter.advances ? 1 : 0);
  const GridShare share = list.split.Share();
  MakeShare(list.at[share.which], list.packed[share.which], step, share);
  if (!counter.advances) return;
  if (IsLastBlock(counter.counter, gridDim.x) && threadIdx.x == 0) *counter.step = step + 1;
}

// Checks the source and adds its blocks.
template <typename T>
void Add(const SourceArgs<T>& source, SourceList<T>& list) {
  const auto add = [&](const int64_t* step, unsigned blocks, bool packed) {
    Require(step == list.counter.step, "sources: steps");
    list.at[list.split.works] = source;
    list.packed[list.split.works] = packed;
    list.split.Add(blocks);
  };
  const auto add_gather = [&](const auto& args) {
    CheckGather(args);
    add(args.order.step, static_cast<unsigned>(args.rows), GatherPacked(args));
  };
  const auto add_draws = [&](const auto& args) {
    Require(args.elems >= 0 && args.out != nullptr, "sources: draws");
    add(args.draws.step, DrawBlocks(args.elems), DrawsPacked(args.out));
  };
  if (source.kind == SourceKind::kBatch) return add_gather(source.batch);
  if (source.kind == SourceKind::kPairs) return add_gather(source.pairs);
  if (source.kind != SourceKind::kDigits) return add_draws(source.values);
  Require(source.digits.choices != nullptr && source.digits.choice_count > 0, "sources: choices");
  add_draws(source.digits);
}

}  // namespace

template <typename T>
void LaunchSources(const StepCounter& counter, std::span<const SourceArgs<T>> sources,
                   cudaStream_t stream) {
  Require(sources.size() <= kMaxSources, "sources: too many");
  Require(!counter.advances || (counter.step != nullptr && counter.counter != nullptr),
          "sources: counter");
  SourceList<T> list = {};
  list.counter = counter;
  for (const SourceArgs<T>& source : sources) Add(source, list);
  Require(list.split.blocks() > 0, "sources: nothing to make");
  Launch("sources", sources_kernel<T>, {list.split.blocks(), kDrawThreads}, stream, list);
}

template void LaunchSources(const StepCounter&, std::span<const SourceArgs<float>>, cudaStream_t);
template void LaunchSources(const StepCounter&, std::span<const SourceArgs<bf16>>, cudaStream_t);

}  // namespace numeral::cuda
