// Products of dense layers through a fake cuBLASLt, against naive loops.
#include "cuda/lib/product.h"

#include <cmath>

#include "tests/emulator/dense_case.h"
#include "tests/emulator/fake_cublaslt.h"
#include "tests/emulator/stream.h"

namespace numeral::cuda {
namespace {

// To 10 bits of mantissa.
double ToTf32(double value) {
  int exponent;
  const double mantissa = std::frexp(value, &exponent);
  return std::ldexp(std::round(std::ldexp(mantissa, 11)), exponent - 11);
}

Dense Tf32(Dense dense) {
  for (auto* values : {&dense.x, &dense.weight, &dense.grad_y}) {
    for (double& value : *values) value = ToTf32(value);
  }
  return dense;
}

// One pass on the device. Gradients are added to `initial` unless that is NaN.
template <typename T, typename Out>
std::vector<double> Run(const Dense& dense, ProductPass pass, MatrixMode mode, double initial,
                        int misalignment) {
  const DeviceTensor<T> x(dense.x, misalignment), weight(dense.weight, misalignment),
      grad_y(dense.grad_y, misalignment);
  const size_t elems = pass == ProductPass::kForward        ? dense.OutputElems()
                       : pass == ProductPass::kBackwardData ? dense.InputElems()
                                                            : dense.WeightElems();
  const DeviceTensor<Out> out(std::vector<double>(elems, initial), misalignment);
  const T* a = pass == ProductPass::kBackwardData ? grad_y.data() : x.data();
  const T* b = pass == ProductPass::kBackwardWeight ? grad_y.data() : weight.data();

  std::unique_ptr<Product> product;
  {
    const ProductLibrary library;
    product = library.Plan({.pass = pass,
                            .n = dense.n,
                            .in = dense.in,
                            .out = dense.out,
                            .mode = mode,
                            .accumulate = !std::isnan(initial),
                            .a_alignment_bytes = AlignmentBytes(a),
                            .b_alignment_bytes = AlignmentBytes(b),
                            .out_alignment_bytes = AlignmentBytes(out.data())});
  }
  const DeviceMemory workspace(product->workspace_bytes());
  const Stream stream = MakeStream();
  product->Run(a, b, out.data(), workspace.data(), stream.get());
  return out.Read();
}

template <typename T>
std::vector<double> Run(const Dense& dense, ProductPass pass, MatrixMode mode, double initial,
                        int misalignment = 0) {
  if (pass == ProductPass::kBackwardWeight) {
    return Run<T, float>(dense, pass, mode, initial, misalignment);
  }
  return Run<T, T>(dense, pass, mode, kNaN, misalignment);
}

template <typename T>
void CheckPasses(MatrixMode mode, int n, int in, int out, int misalignment) {
  INFO(n << " rows, " << in << " -> " << out << ", mode " << static_cast<int>(mode)
         << ", misaligned by " << misalignment);
  const Dense dense = MakeDense<T>(n, in, out);
  const Dense seen = mode == MatrixMode::kTf32 ? Tf32(dense) : dense;
  for (const ProductPass pass : {ProductPass::kForward, ProductPass::kBackwardData}) {
    CheckClose(Run<T>(dense, pass, mode, kNaN, misalignment), Expected(seen, pass, 0),
               StoredAs<T>(tolerance::kProduct));
  }
  for (const double initial : {kNaN, 0.75}) {
    CheckClose(Run<T>(dense, ProductPass::kBackwardWeight, mode, initial, misalignment),
               Expected(seen, ProductPass::kBackwardWeight, std::isnan(initial) ? 0 : initial),
               tolerance::kProduct);
  }
}

struct Sizes {
  int n, in, out, misalignment;
};
constexpr Sizes kSizes[] = {{1, 1, 1, 0},    {1, 17, 19, 1},  {16, 32, 24, 0}, {7, 13, 129, 3},
                            {5, 211, 31, 0}, {97, 40, 48, 2}, {3, 64, 10, 0}};

}  // namespace

TEST_CASE("Products are those of naive loops in every mode", "[emulator][product]") {
  for (const Sizes& s : kSizes) {
    CheckPasses<float>(MatrixMode::kFp32, s.n, s.in, s.out, s.misalignment);
    CheckPasses<float>(MatrixMode::kTf32, s.n, s.in, s.out, s.misalignment);
    CheckPasses<bf16>(MatrixMode::kBf16, s.n, s.in, s.out, s.misalignment);
  }
}

TEST_CASE("Products have the same bits run after run, and leave nothing behind",
          "[emulator][product]") {
  const Dense dense = MakeDense<bf16>(200, 61, 67);  // sums that are split
  const auto run = [&] {
    return Run<bf16>(dense, ProductPass::kBackwardWeight, MatrixMode::kBf16, kNaN);
  };
  const std::vector<double> first = run();
  for (int i = 0; i < 3; ++i) CHECK(run() == first);
  CHECK(emulator::LiveCublasLtObjects() == 0);
}

TEST_CASE("Algorithms are chosen for the alignment of each operand by itself",
          "[emulator][product]") {
  const Dense dense = MakeDense<float>(8, 16, 12);
  for (const int odd : {0, 1, 2}) {
    const DeviceTensor<float> x(dense.x, odd == 0), weight(dense.weight, odd == 1),
        y(std::vector<double>(dense.OutputElems(), kNaN), odd == 2);
    const auto product = ProductLibrary().Plan({.pass = ProductPass::kForward,
                                                .n = dense.n,
                                                .in = dense.in,
                                                .out = dense.out,
                                                .mode = MatrixMode::kFp32,
                                                .a_alignment_bytes = AlignmentBytes(x.data()),
                                                .b_alignment_bytes = AlignmentBytes(weight.data()),
                                                .out_alignment_bytes = AlignmentBytes(y.data())});
    product->Run(x.data(), weight.data(), y.data(), nullptr, nullptr);
    CheckClose(y.Read(), Expected(dense, ProductPass::kForward), tolerance::kProduct);
  }
}

TEST_CASE("A captured product runs again at every launch of its graph", "[emulator][product]") {
  const Dense dense = MakeDense<float>(60, 9, 11);
  const DeviceTensor<float> x(dense.x), grad_y(dense.grad_y);
  const DeviceTensor<float> grad_weight(std::vector<double>(dense.WeightElems(), 0.5));
  const auto product = ProductLibrary().Plan({.pass = ProductPass::kBackwardWeight,
                                              .n = dense.n,
                                              .in = dense.in,
                                              .out = dense.out,
                                              .mode = MatrixMode::kFp32,
                                              .accumulate = true});
  const DeviceMemory workspace(product->workspace_bytes());
  const Stream stream = MakeStream();
  NUMERAL_CUDA(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
  product->Run(x.data(), grad_y.data(), grad_weight.data(), workspace.data(), stream.get());
  cudaGraph_t graph = nullptr;
  NUMERAL_CUDA(cudaStreamEndCapture(stream.get(), &graph));
  const Graph owned(graph);
  cudaGraphExec_t executable = nullptr;
  NUMERAL_CUDA(cudaGraphInstantiate(&executable, graph, 0));
  const GraphExec owned_executable(executable);
  for (int i = 0; i < 3; ++i) NUMERAL_CUDA(cudaGraphLaunch(executable, stream.get()));

  std::vector<double> expected = Expected(dense, ProductPass::kBackwardWeight, 0);
  for (double& value : expected) value = 0.5 + 3 * value;
  CheckClose(grad_weight.Read(), expected, tolerance::kProduct);
}

TEST_CASE("Products refuse what they cannot do", "[emulator][product]") {
  const ProductLibrary library;
  const ProductProblem good{ProductPass::kForward, 4, 8, 8, MatrixMode::kFp32};
  ProductProblem empty = good;
  empty.n = 0;
  CHECK_THROWS_AS(library.Plan(empty), Error);
  ProductProblem adding = good;
  adding.accumulate = true;
  CHECK_THROWS_AS(library.Plan(adding), Error);
  ProductProblem odd = good;
  odd.b_alignment_bytes = 2;  // less than an element
  CHECK_THROWS_AS(library.Plan(odd), Error);

  const auto product = library.Plan(good);
  const DeviceTensor<float> x(32), weight(64), y(32);
  CHECK_THROWS_AS(product->Run(x.data() + 1, weight.data(), y.data(), nullptr, nullptr), Error);
  CHECK_THROWS_AS(product->Run(x.data(), weight.data(), y.data() + 2, nullptr, nullptr), Error);
}

}  // namespace numeral::cuda
