// CUDA C++ for a host compiler: what cuda/support/simt.h gives to kernels when they are emulated.
//
// Included by kernels alone, and through that header. The words of the language are macros and
// globals here, the intrinsics functions that call the emulator (simt_calls.h); shuffles and
// barriers know where in the source they stand.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <type_traits>

#include "tests/emulator/simt_atomics.h"
#include "tests/emulator/simt_calls.h"
#include "tests/emulator/simt_math.h"

#undef __launch_bounds__
#define __launch_bounds__(...)

// The compiler tells the access checker of stores, but not of what a call stores as its result.
#ifdef __SANITIZE_THREAD__
#undef __device__
#define __device__ __attribute__((always_inline))
#endif

// Would be one variable for all blocks here: SIMT_SHARED is the way to declare shared memory.
#undef __shared__
#define __shared__ plain_shared_is_not_emulated_use_SIMT_SHARED

// The index of the running thread. One kernel runs at a time, and one thread of it.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

// SIMT_SHARED(float, tile, [16][17]);
#define SIMT_SHARED(type, name, extents)                                              \
  using name##_shared_type = type extents;                                            \
  static constinit ::numeral::emulator::SharedSite name##_shared_site;                \
  auto& name = *static_cast<name##_shared_type*>(::numeral::emulator::SharedVariable( \
      &name##_shared_site, sizeof(name##_shared_type), alignof(name##_shared_type)))

namespace numeral::cuda {

// The block's dynamic shared memory, 32-byte aligned.
template <typename T>
T* DynamicShared() {
  return static_cast<T*>(::numeral::emulator::DynamicSharedMemory());
}

}  // namespace numeral::cuda

#define NUMERAL_PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(NUMERAL_PLACE) {
  ::numeral::emulator::Barrier(::numeral::emulator::BarrierKind::kPlain, 0, file, line);
}
inline int __syncthreads_or(int predicate, NUMERAL_PLACE) {
  return ::numeral::emulator::Barrier(::numeral::emulator::BarrierKind::kOr, predicate, file, line);
}
inline int __syncthreads_and(int predicate, NUMERAL_PLACE) {
  return ::numeral::emulator::Barrier(::numeral::emulator::BarrierKind::kAnd, predicate, file,
                                      line);
}
inline int __syncthreads_count(int predicate, NUMERAL_PLACE) {
  return ::numeral::emulator::Barrier(::numeral::emulator::BarrierKind::kCount, predicate, file,
                                      line);
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, NUMERAL_PLACE) {
  ::numeral::emulator::SyncWarp(mask, file, line);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, NUMERAL_PLACE) {
  return ::numeral::emulator::Ballot(mask, predicate != 0, file, line);
}
inline int __any_sync(unsigned mask, int predicate, NUMERAL_PLACE) {
  return ::numeral::emulator::Ballot(mask, predicate != 0, file, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, NUMERAL_PLACE) {
  return ::numeral::emulator::Ballot(mask, predicate == 0, file, line) == 0;
}

namespace numeral::emulator {

template <typename T>
T ShuffleValue(ShuffleKind kind, unsigned mask, const T& operand, int argument, int width,
               const char* file, int line) {
  static_assert(std::is_trivially_copyable_v<T>);
  T result;
  Shuffle(kind, mask, &operand, &result, sizeof(T), argument, width, file, line);
  return result;
}

}  // namespace numeral::emulator

template <typename T>
T __shfl_sync(unsigned mask, T operand, int lane, int width = 32, NUMERAL_PLACE) {
  return ::numeral::emulator::ShuffleValue(::numeral::emulator::ShuffleKind::kIndex, mask, operand,
                                           lane, width, file, line);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T operand, unsigned delta, int width = 32, NUMERAL_PLACE) {
  return ::numeral::emulator::ShuffleValue(::numeral::emulator::ShuffleKind::kUp, mask, operand,
                                           static_cast<int>(delta), width, file, line);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T operand, unsigned delta, int width = 32, NUMERAL_PLACE) {
  return ::numeral::emulator::ShuffleValue(::numeral::emulator::ShuffleKind::kDown, mask, operand,
                                           static_cast<int>(delta), width, file, line);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T operand, int lane_mask, int width = 32, NUMERAL_PLACE) {
  return ::numeral::emulator::ShuffleValue(::numeral::emulator::ShuffleKind::kXor, mask, operand,
                                           lane_mask, width, file, line);
}

#undef NUMERAL_PLACE

inline void cudaGridDependencySynchronize() { ::numeral::emulator::WaitForEarlierGrids(); }
inline void cudaTriggerProgrammaticLaunchCompletion() { ::numeral::emulator::LetLaterGridsStart(); }

inline void __threadfence() { ::numeral::emulator::Fence(); }
inline void __threadfence_block() {}

// Loads and stores with a cache hint.
template <typename T>
T __ldg(const T* address) {
  return *address;
}
template <typename T>
T __ldcs(const T* address) {
  return *address;
}
template <typename T>
T __ldcg(const T* address) {
  return *address;
}
template <typename T>
T __ldca(const T* address) {
  return *address;
}
template <typename T>
void __stcs(T* address, std::type_identity_t<T> value) {
  *address = value;
}
template <typename T>
void __stcg(T* address, std::type_identity_t<T> value) {
  *address = value;
}
template <typename T>
void __stwt(T* address, std::type_identity_t<T> value) {
  *address = value;
}
