#include "cuda/kernels/concat.h"
#include "cuda/support/divide.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/pack_loop.h"
#include "cuda/support/simt.h"

namespace numeral::cuda {
namespace {

// In packs: part k has those from first[k] to first[k + 1] of every pixel.
template <typename T>
struct Parts {
  const T* x[kMaxConcatParts];
  int first[kMaxConcatParts + 1];
};

template <typename T, int kElems>
__global__ void concat_forward_kernel(Parts<T> parts, Divisor pixel_packs, int packs,
                                      T* __restrict__ y) {
  WaitForEarlierKernels();
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Division pack = pixel_packs.Divide(i);
    int part = 0;
    while (pack.remainder >= parts.first[part + 1]) ++part;
    const int first = parts.first[part], part_packs = parts.first[part + 1] - first;
    const int64_t from = int64_t{pack.quotient} * part_packs + pack.remainder - first;
    StorePack(y + int64_t{i} * kElems, LoadPack<T, kElems>(parts.x[part] + from * kElems));
  }
}

template <typename T, int kElems>
__global__ void concat_backward_kernel(Divisor pixel_packs, int packs, int64_t total_channels,
                                       const T* grad_y, T* __restrict__ grad_x,
                                       bool accumulate) {
  WaitForEarlierKernels();
  for (int i = PackIndex(); i < packs; i += PackStride()) {
    const Division pack = pixel_packs.Divide(i);
    const int64_t from = pack.quotient * total_channels + pack.remainder * kElems;
    float grads[kElems];
    LoadFloats<kElems>(grad_y + from, grads);
    PutFloats(grads, grad_x + int64_t{i} * kElems, accumulate);
  }
}

}  // namespace

template <typename T>
void LaunchConcatForward(const ConcatForwardArgs<T>& args, cudaStream_t stream) {
  Require(args.part_count > 0 && args.part_count <= kMaxConcatParts, "concat: number of parts");
  int64_t channels = 0;
  bool packed = Aligned(16, args.y);
  for (int k = 0; k < args.part_count; ++k) {
    const ConcatPart<T>& part = args.parts[k];
    Require(part.channels > 0, "concat: channels");
    channels += part.channels;
    packed = packed && PacksFit<T>(part.channels, part.x);
  }
  if (args.pixels == 0) return;
  Require(args.pixels > 0 && args.y != nullptr, "concat_forward: operands");
  WithPacks<T>(packed, [&]<int kElems>() {
    Parts<T> parts = {};
    for (int k = 0; k < args.part_count; ++k) {
      Require(args.parts[k].x != nullptr, "concat_forward: operands");
      parts.x[k] = args.parts[k].x;
      parts.first[k + 1] = parts.first[k] + static_cast<int>(args.parts[k].channels / kElems);
    }
    const int64_t packs = args.pixels * (channels / kElems);
    Launch("concat_forward", concat_forward_kernel<T, kElems>, PackLoop(packs), stream, parts,
           Divisor(channels / kElems), packs, args.y);
  });
}

template <typename T>
void LaunchConcatBackward(const ConcatBackwardArgs<T>& args, cudaStream_t stream) {
  const int64_t elems = args.pixels * args.channels;
  if (elems == 0) return;
  Require(elems > 0 && args.first_channel >= 0 &&
              args.first_channel + args.channels <= args.total_channels,
          "concat_backward: sizes");
  Require(args.grad_y != nullptr && args.grad_x != nullptr, "concat_backward: operands");
  const T* grad_y = args.grad_y + args.first_channel;
  const bool packed =
      PacksFit<T>(args.channels, grad_y, args.grad_x) && args.total_channels % kPackElems<T> == 0;
  WithPacks<T>(packed, [&]<int kElems>() {
    Launch("concat_backward", concat_backward_kernel<T, kElems>, PackLoop(elems / kElems), stream,
           Divisor(args.channels / kElems), elems / kElems, args.total_channels, grad_y,
           args.grad_x, args.mode == GradientMode::kAccumulate);
  });
}

template void LaunchConcatForward(const ConcatForwardArgs<float>&, cudaStream_t);
template void LaunchConcatForward(const ConcatForwardArgs<bf16>&, cudaStream_t);
template void LaunchConcatBackward(const ConcatBackwardArgs<float>&, cudaStream_t);
template void LaunchConcatBackward(const ConcatBackwardArgs<bf16>&, cudaStream_t);

}  // namespace numeral::cuda
