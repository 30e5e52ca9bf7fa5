// Copies from global to shared memory that are under way while the thread goes on ("asynchronous
// copy", cp.async, from compute capability 8.0 on; plain copies before).
//
// Called by kernels that fill stages of shared memory ahead of the arithmetic. A thread's copies
// come in groups; it may wait for all groups but the last few, and a barrier after that makes every
// thread's copies visible to all.
#pragma once

#include "cuda/support/simt.h"

#ifdef NUMERAL_EMULATED
#include "tests/emulator/async_copy.h"
#else

#include <cuda_pipeline.h>

namespace numeral::cuda {

// Of one thread.
class AsyncCopies {
 public:
  // kBytes is 4, 8 or 16, and both addresses are multiples of it.
  template <int kBytes>
  __device__ void Copy(void* shared, const void* global) {
    __pipeline_memcpy_async(shared, global, kBytes);
  }
  // Ends a group, which may be empty.
  __device__ void Commit() { __pipeline_commit(); }
  // Until all groups but the last kPending are there.
  template <int kPending>
  __device__ void Wait() {
    __pipeline_wait_prior(kPending);
  }
};

}  // namespace numeral::cuda

#endif
