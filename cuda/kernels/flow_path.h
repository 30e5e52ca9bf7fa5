// Places on the way from noise to latents, and the velocities there.
//
// With a = pi / 2 * time of the row: place = cos(a) * noise + sin(a) * latent, velocity = pi / 2 *
// (cos(a) * latent - sin(a) * noise). A thread takes four neighbours of a row in one access each
// where addresses and size allow it, else one element; grid-stride. Sine and cosine of multiples of
// pi, so that no argument is reduced. Any sizes.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace numeral::cuda {

template <typename T>
struct FlowPathArgs {
  const T *noise, *latents;  // [rows][size]
  const T* times;            // [rows]
  T *place, *velocity;       // [rows][size]
  int64_t rows, size;
};

// T: float or bf16.
template <typename T>
void LaunchFlowPath(const FlowPathArgs<T>& args, cudaStream_t stream);

}  // namespace numeral::cuda
