// What functions that run on the host and on a device are marked with.
#pragma once

#ifdef __CUDACC__
#define NUMERAL_HOST_DEVICE __host__ __device__
#else
#define NUMERAL_HOST_DEVICE
#endif

// In front of a loop whose arrays are to live in a device's registers; host compilers do not know
// the pragma.
#ifdef __CUDA_ARCH__
#define NUMERAL_UNROLL _Pragma("unroll")
#else
#define NUMERAL_UNROLL
#endif
