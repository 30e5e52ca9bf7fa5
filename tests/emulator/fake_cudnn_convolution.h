// The convolutions of the fake cuDNN: what a descriptor of an operation means, and plain loops.
#pragma once

#include <array>
#include <cstdint>

#include "tests/emulator/fake_cudnn_descriptor.h"

namespace numeral::emulator {

enum class FakePass { kForward, kBackwardData, kBackwardWeight };

struct FakeTensor {
  int64_t id = 0;
  int64_t alignment_bytes = 0;
  int64_t outer = 0, channels = 0, height = 0, width = 0;
  bool bf16 = false;
  size_t elems() const { return static_cast<size_t>(outer * channels * height * width); }
};

struct FakeConvolution {
  FakePass pass = FakePass::kForward;
  FakeTensor image, weight, features;
  std::array<int64_t, 2> strides{}, pads_before{}, pads_after{};  // height, width
};

// What the fake supports of each; throws a CudnnRefusal for all else.
FakeTensor ReadTensor(const FakeDescriptor& tensor);
void CheckConvolution(const FakeDescriptor& convolution);
FakeConvolution ReadOperation(const FakeDescriptor& operation);

// How an engine of the fake computes.
enum class FakeArithmetic {
  kFloat,             // products and sums in fp32
  kTensorCore,        // fp32 inputs rounded to TF32
  kRoundedSums,       // sums rounded to bf16
  kNondeterministic,  // results off by up to a part in a thousand, differently each time
};

// Makes the output of the pass, which may hold anything before.
void Compute(const FakeConvolution& convolution, FakeArithmetic arithmetic, void* image,
             void* weight, void* features);

}  // namespace numeral::emulator
