// The engines of the fake cuDNN, and what its heuristics offer. Listed in fake_cudnn.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/emulator/fake_cudnn_convolution.h"

namespace numeral::emulator {

struct FakeEngine {
  FakeArithmetic arithmetic;
  bool fp32, bf16;
  std::vector<cudnnBackendNumericalNote_t> notes;  // beside those that follow from the data
  std::optional<int64_t> largest_tile;             // of the knob TILE_SIZE
  size_t workspace_bytes;
  bool builds = true;
};

const std::vector<FakeEngine>& FakeEngines();

// The operation at the bottom of a graph, an engine, a configuration or a plan.
FakeConvolution ConvolutionOf(const FakeDescriptor& descriptor);
// The engine of an engine descriptor, a configuration or a plan.
int64_t EngineIndexOf(const FakeDescriptor& descriptor);

std::vector<cudnnBackendNumericalNote_t> NotesOf(const FakeDescriptor& engine);
// The configurations that a heuristic offers, finalized, best first.
std::vector<FakeDescriptorPtr> OffersOf(const FakeDescriptor& heuristic);

// Throws a CudnnRefusal where the descriptor, whose attributes are all there, may not be finalized.
void CheckDescriptor(const FakeDescriptor& descriptor);

}  // namespace numeral::emulator
