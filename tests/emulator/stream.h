// What tests and the fake libraries use of the fake CUDA runtime, beside its C functions.
//
// Work on streams is not done when it is called for but when somebody waits for it, in a random
// order of all that the streams and events allow. What goes wrong then (Failure of a kernel, any
// exception of a library's work) is the error of the call that waited: cudaErrorLaunchFailure,
// which cudaGetErrorString explains. All other work is dropped, and the device serves on.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace numeral::emulator {

// Puts work on a stream, or in the graph that the stream captures. The error is one of capturing.
cudaError_t Enqueue(cudaStream_t stream, std::string name, std::function<void()> work);

// All random orders follow from the seed; the first one is in NUMERAL_EMULATOR_SEED, or 1.
void SetSeed(uint64_t seed);

// The architecture that kernels say they were compiled for, times ten; 90 at first.
void SetCodeVersion(int version);

// What the program has asked of the runtime since the last ResetCounters().
struct Counters {
  int kernel_launches = 0;  // by the host; what a graph launches is not counted
  int early_launches = 0;   // of these, with the attribute for a programmatic dependency
  int kernels_run = 0;      // all, also in graphs
  int graph_launches = 0;
  int graphs_instantiated = 0;
  int synchronizations = 0;  // calls that wait: of a stream, an event, the device, a copy
  int device_allocations = 0;
  int pinned_allocations = 0;
  int pageable_copies = 0;
};
const Counters& Counts();
void ResetCounters();

// Bytes of device memory in use.
size_t DeviceBytesInUse();

// What the last failed work had to say; empty before the first failure.
const std::string& LastFailure();

}  // namespace numeral::emulator
