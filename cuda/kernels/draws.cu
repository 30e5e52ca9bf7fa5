#include "cuda/kernels/draws.h"
#include "cuda/support/simt.h"
#include "cuda/support/step.h"
#include "cuda/support/vector.h"
#include "util/random.h"

namespace numeral::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kElems = 4;  // of a Philox block

// What becomes of the four words of a Philox block.
template <typename T>
struct Normals {
  __device__ Pack<T, kElems> operator()(const PhiloxBlock& bits) const {
    const NormalPair low = NormalFromBits(bits.lane[0], bits.lane[1]);
    const NormalPair high = NormalFromBits(bits.lane[2], bits.lane[3]);
    return {{FromFloat<T>(low.first), FromFloat<T>(low.second), FromFloat<T>(high.first),
             FromFloat<T>(high.second)}};
  }
};

template <typename T>
struct Uniforms {
  __device__ Pack<T, kElems> operator()(const PhiloxBlock& bits) const {
    Pack<T, kElems> values;
    for (int j = 0; j < kElems; ++j) {
      values.at[j] = FromFloat<T>(SignedUnitFromBits(bits.lane[j]));
    }
    return values;
  }
};

template <typename T>
struct Times {
  __device__ Pack<T, kElems> operator()(const PhiloxBlock& bits) const {
    Pack<T, kElems> values;
    for (int j = 0; j < kElems; ++j) values.at[j] = FromFloat<T>(UnitFromBits(bits.lane[j]));
    return values;
  }
};

struct Digits {
  const int32_t* choices;
  uint32_t count;
  __device__ Pack<int32_t, kElems> operator()(const PhiloxBlock& bits) const {
    Pack<int32_t, kElems> values;
    for (int j = 0; j < kElems; ++j) {
      values.at[j] = choices[ChoiceFromBits(bits.lane[j], count)];
    }
    return values;
  }
};

template <typename T, typename Make, bool kPacked>
__global__ void __launch_bounds__(kThreads)
    draw_kernel(DrawStream draws, Make make, T* __restrict__ out, int64_t elems) {
  const auto step = static_cast<uint64_t>(RunningStep(draws.step));
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t stride = int64_t{gridDim.x} * kThreads * kElems;
  for (int64_t i = thread * kElems; i < elems; i += stride) {
    const Pack<T, kElems> values =
        make(Draw(draws.seed, draws.stream, step, static_cast<uint32_t>(i / kElems)));
    if (kPacked && i + kElems <= elems) {
      StorePack(out + i, values);
    } else {
      for (int j = 0; j < kElems; ++j) {
        if (i + j < elems) out[i + j] = values.at[j];
      }
    }
  }
}

template <typename T, typename Make>
void LaunchDraws(const char* name, const DrawStream& draws, const Make& make, T* out, int64_t elems,
                 cudaStream_t stream) {
  if (elems == 0) return;
  Require(elems > 0 && out != nullptr, "draws: operands");
  const bool packed = Aligned(kElems * sizeof(T), out);
  const LaunchShape shape{BlocksFor((elems + kElems - 1) / kElems, kThreads), kThreads};
  Launch(name, packed ? draw_kernel<T, Make, true> : draw_kernel<T, Make, false>, shape, stream,
         draws, make, out, elems);
}

}  // namespace

template <typename T>
void LaunchDrawLatents(const DrawStream& draws, LatentKind kind, T* out, int64_t elems,
                       cudaStream_t stream) {
  if (kind == LatentKind::kNormal) {
    LaunchDraws("draw_normals", draws, Normals<T>{}, out, elems, stream);
  } else {
    LaunchDraws("draw_uniforms", draws, Uniforms<T>{}, out, elems, stream);
  }
}

template <typename T>
void LaunchDrawTimes(const DrawStream& draws, T* out, int64_t elems, cudaStream_t stream) {
  LaunchDraws("draw_times", draws, Times<T>{}, out, elems, stream);
}

void LaunchDrawDigits(const DrawStream& draws, const int32_t* choices, int choice_count,
                      int32_t* out, int64_t elems, cudaStream_t stream) {
  Require(choices != nullptr && choice_count > 0, "draw_digits: choices");
  LaunchDraws("draw_digits", draws, Digits{choices, static_cast<uint32_t>(choice_count)}, out,
              elems, stream);
}

template void LaunchDrawLatents(const DrawStream&, LatentKind, float*, int64_t, cudaStream_t);
template void LaunchDrawLatents(const DrawStream&, LatentKind, bf16*, int64_t, cudaStream_t);
template void LaunchDrawTimes(const DrawStream&, float*, int64_t, cudaStream_t);
template void LaunchDrawTimes(const DrawStream&, bf16*, int64_t, cudaStream_t);

}  // namespace numeral::cuda
