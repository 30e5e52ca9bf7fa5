// What functions that run on the host and on a device are marked with.
#pragma once

#ifdef __CUDACC__
#define NUMERAL_HOST_DEVICE __host__ __device__
#else
#define NUMERAL_HOST_DEVICE
#endif
