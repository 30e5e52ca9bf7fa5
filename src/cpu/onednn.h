// oneDNN primitives of the CPU engine, ready to run.
//
// The only header that names oneDNN types, and onednn.cpp is the only file that knows that its
// versions 2 and 3 create primitives differently. Activations are plain NHWC; convolution weights
// are in whatever layout the library likes best, so callers keep packed copies. Scratch memory is
// the caller's.
#pragma once

#include <dnnl.hpp>
#include <string>
#include <utility>
#include <vector>

#include "plan/plan.h"

namespace numeral::cpu {

enum class ConvDirection { kForward, kBackwardData, kBackwardWeight };

struct LibraryConv {
  dnnl::primitive primitive;
  dnnl::memory::desc image, weight, features, scratch;  // weight: the layout the library chose
  dnnl::memory::desc bias;                              // zero where there is none
};

// With images and features stored as `type`, fp32 or bf16, and weights in the same; weight
// gradients and biases are fp32, and so are sums. kForward with `bias` and `activation` inside; the
// other directions ignore both.
LibraryConv MakeConv(const dnnl::engine& engine, ConvDirection direction,
                     const ConvGeometry& geometry, DType type, bool bias,
                     const Activation& activation);

// a[m][k] * b[k][n]; transposed, an operand lies in memory as [k][m] or [n][k].
struct ProductSpec {
  int m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;
  DType operands = DType::kF32, result = DType::kF32;  // fp32 or bf16; sums are fp32
  bool bias = false;                                   // fp32 [n]
  bool add = false;                                    // onto what the result holds
  Activation activation = {};
  // Of several alike, so many elements apart.
  int count = 1;
  int64_t a_elems = 0, b_elems = 0, result_elems = 0;
};
struct LibraryProduct {
  dnnl::primitive primitive;
  dnnl::memory::desc a, b, bias, result, scratch;
};

// result[m][n] (+)= act(a * b + bias).
LibraryProduct MakeProduct(const dnnl::engine& engine, const ProductSpec& spec);

// [k][r][s][c] as weights are kept in plans.
dnnl::memory::desc PlainWeight(const ConvGeometry& geometry);

// So many floats in a row.
dnnl::memory::desc FlatFloats(int64_t elems);

// A layout change; with `add`, onto what the target holds.
dnnl::reorder MakeReorder(const dnnl::engine& engine, const dnnl::memory::desc& from,
                          const dnnl::memory::desc& to, bool add);

// A primitive with its arguments bound once; running it converts and allocates nothing.
class BoundPrimitive {
 public:
  BoundPrimitive() = default;
  BoundPrimitive(dnnl::primitive primitive, std::vector<std::pair<int, dnnl::memory>> args);
  void Run(const dnnl::stream& stream) const;

 private:
  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> args_;
};

// "2.6.3".
std::string LibraryVersion();
// Whether the processor multiplies bf16 numbers (AVX512-BF16 or AMX) and the library uses that.
bool ProcessorHasBf16();

// C = op(A) * B + beta * C, row-major.
void Gemm(bool transpose_a, int m, int n, int k, const float* a, const float* b, float beta,
          float* c);

}  // namespace numeral::cpu
