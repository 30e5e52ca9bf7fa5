#include "cuda/lib/convolution_problem.h"

#include <string_view>

#include "util/error.h"

namespace numeral::cuda {
namespace {

std::string_view NameOf(ConvPass pass) {
  switch (pass) {
    case ConvPass::kForward:
      return "forward";
    case ConvPass::kBackwardData:
      return "backward data";
    case ConvPass::kBackwardWeight:
      return "backward weight";
  }
  Fail("no such pass of a convolution");
}

std::string_view NameOf(MatrixMode mode) {
  switch (mode) {
    case MatrixMode::kFp32:
      return "fp32";
    case MatrixMode::kTf32:
      return "tf32";
    case MatrixMode::kBf16:
      return "bf16";
  }
  Fail("no such matrix mode");
}

}  // namespace

std::string Describe(const ConvProblem& problem) {
  const ConvGeometry& g = problem.geometry;
  return fmt::format(
      "{} {}, image {}x{}x{}x{}, features {}x{}x{}, kernel {}x{}, stride {},{}, pads {},{},{},{}",
      NameOf(problem.pass), NameOf(problem.mode), g.n, g.h, g.w, g.c, g.p, g.q, g.k, g.r, g.s,
      g.stride_h, g.stride_w, g.pad_top, g.pad_left, g.pad_bottom, g.pad_right);
}

}  // namespace numeral::cuda
