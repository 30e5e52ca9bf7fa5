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

#include "plan/ops.h"

namespace numeral::cpu {

enum class ConvDirection { kForward, kBackwardData, kBackwardWeight };

struct LibraryConv {
  dnnl::primitive primitive;
  dnnl::memory::desc image, weight, features, scratch;  // weight: the layout the library chose
  dnnl::memory::desc bias;                              // zero where there is none
};

// kForward with `bias` and `activation` inside; the other directions ignore both.
LibraryConv MakeConv(const dnnl::engine& engine, ConvDirection direction,
                     const ConvGeometry& geometry, bool bias, const Activation& activation);

struct LibraryProduct {
  dnnl::primitive primitive;
  dnnl::memory::desc x, weight, bias, y, scratch;
};

// y[n][out] = act(x[n][in] * weight[out][in]^T + bias).
LibraryProduct MakeProduct(const dnnl::engine& engine, int n, int in, int out, bool bias,
                           const Activation& activation);

// [k][r][s][c] as weights are kept in plans.
dnnl::memory::desc PlainWeight(const ConvGeometry& geometry);

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

// C = op(A) * op(B) + beta * C, row-major.
void Gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float* a, const float* b,
          float beta, float* c);

}  // namespace numeral::cpu
