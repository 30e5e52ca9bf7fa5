// Convolutions on the GPU through cuDNN's backend graph API.
//
// Owns the cuDNN handle, the choice of the plan that carries out each convolution, and the file
// that remembers the choices. Bias, activation and accumulation belong to other kernels. Refuses
// plans that are not deterministic, and in kFp32 all that use tensor cores. Used by the CUDA
// engine, which plans every convolution before it captures anything.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "cuda/lib/convolution_problem.h"

namespace numeral::cuda {

// On the device, dense: image [n][h][w][c], weight [k][r][s][c], features [n][p][q][k]. The output
// overlaps nothing and is overwritten.
struct ConvPointers {
  void* image;
  void* weight;
  void* features;
};

class ConvolutionLibrary;

// One planned convolution. Keeps what it needs of its library alive.
class Convolution {
 public:
  ~Convolution();
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  size_t workspace_bytes() const;
  // Enqueues it; may be captured. The pointers must be aligned as those of Plan, up to 16 bytes.
  // `workspace` holds workspace_bytes(), aligned to 256, and is nobody else's until the stream has
  // passed. Not from two threads at once, for any two convolutions of a library.
  void Run(const ConvPointers& pointers, void* workspace, cudaStream_t stream) const;
  // The problem and the plan: "forward fp32, ...: engine 34, knobs 2=5 ..., workspace 0 bytes".
  std::string description() const;

 private:
  friend class ConvolutionLibrary;
  struct State;
  explicit Convolution(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class ConvolutionLibrary {
 public:
  // Of the current device. `cache_file` remembers choices of plans, by version of cuDNN and name of
  // device; it need not exist, and what is no such file is replaced. Empty: nothing is remembered.
  explicit ConvolutionLibrary(const std::filesystem::path& cache_file);
  ~ConvolutionLibrary();

  // The remembered plan for the problem and the alignment of `pointers`, whose memory is neither
  // read nor written. Where there is none, every admissible plan is timed on memory of its own, and
  // the fastest is remembered. The plan has run once, so that nothing is loaded while a stream is
  // captured. Waits for `stream`. Throws Error(kFailure) where cuDNN has no admissible plan.
  std::unique_ptr<Convolution> Plan(const ConvProblem& problem, const ConvPointers& pointers,
                                    cudaStream_t stream);
  // How many plans were not remembered and had to be chosen.
  int chosen_plans() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace numeral::cuda
