// What functions that run on the host and on a device are marked with.
#pragma once

#ifdef __CUDACC__
#define NUMERAL_HOST_DEVICE __host__ __device__
// In front of a loop whose arrays are to live in registers.
#define NUMERAL_UNROLL _Pragma("unroll")
#else
#define NUMERAL_HOST_DEVICE
#define NUMERAL_UNROLL
#endif
