// Convolutions by Fourier transforms against plain loops in double, and their place in the engine.
#include "cpu/dft_conv.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/cpu/bf16_engine.h"
#include "tests/cpu/conv_case.h"
#include "tests/support/compare.h"
#include "tests/support/op_cases.h"

namespace numeral::cpu {
namespace {

// Sums of thousands of terms, rounded in planes whose values are as large as the sums.
constexpr Tolerance kClose{1e-4, 1e-5};
const int64_t kEnough = DftOptions{}.max_plane_bytes;

void CheckForward(const ConvCase& c, int64_t max_plane_bytes) {
  Doubles expected(c.features.size(), 0.0);
  c.ForEachProduct(
      [&](size_t i, size_t w, size_t f) { expected[f] += double{c.image[i]} * c.weight[w]; });
  EngineCounters counters;
  Workspace workspace(counters);
  Floats weight = NaNs(c.weight.size()), actual = NaNs(c.features.size());
  const Kernel kernel = MakeDftForward<float>(c.g, c.image.data(), weight.data(), actual.data(),
                                              workspace, {max_plane_bytes});
  workspace.Allocate();
  weight = c.weight;  // only the address is known when a kernel is made
  for (int run = 0; run < 2; ++run) {
    kernel();
    RequireClose(actual, expected, kClose);
  }
}

void CheckBackwardData(const ConvCase& c, int64_t max_plane_bytes) {
  Doubles expected(c.image.size(), 0.0);
  c.ForEachProduct(
      [&](size_t i, size_t w, size_t f) { expected[i] += double{c.features[f]} * c.weight[w]; });
  EngineCounters counters;
  Workspace workspace(counters);
  Floats actual = NaNs(c.image.size());
  const Kernel kernel = MakeDftBackwardData<float>(c.g, c.features.data(), c.weight.data(),
                                                   actual.data(), workspace, {max_plane_bytes});
  workspace.Allocate();
  for (int run = 0; run < 2; ++run) {
    kernel();
    RequireClose(actual, expected, kClose);
  }
}

void CheckBackwardWeight(const ConvCase& c, int64_t max_plane_bytes) {
  Doubles expected(c.weight.size(), 0.0);
  c.ForEachProduct(
      [&](size_t i, size_t w, size_t f) { expected[w] += double{c.image[i]} * c.features[f]; });
  for (const GradientMode mode : kBothModes) {
    EngineCounters counters;
    Workspace workspace(counters);
    const bool add = mode == GradientMode::kAccumulate;
    Floats actual = add ? RandomFloats(c.weight.size()) : NaNs(c.weight.size());
    Doubles total = expected;
    for (size_t i = 0; add && i < total.size(); ++i) total[i] += actual[i];
    const Kernel kernel = MakeDftBackwardWeight<float>(
        c.g, c.image.data(), c.features.data(), actual.data(), mode, workspace, {max_plane_bytes});
    workspace.Allocate();
    kernel();
    RequireClose(actual, total, kClose);
  }
}

void Check(const ConvGeometry& g, int64_t max_plane_bytes = kEnough) {
  INFO("n " << g.n << ", image " << g.h << " x " << g.w << " x " << g.c << ", features " << g.p
            << " x " << g.q << " x " << g.k << ", kernel " << g.r << " x " << g.s << ", stride "
            << g.stride_h << " x " << g.stride_w << ", padding " << g.pad_top << " " << g.pad_left
            << ", planes of " << max_plane_bytes << " bytes");
  REQUIRE(DftSupports(g));
  const ConvCase c(g);
  CheckForward(c, max_plane_bytes);
  CheckBackwardData(c, max_plane_bytes);
  CheckBackwardWeight(c, max_plane_bytes);
}

TEST_CASE("DFT convolutions match plain loops for every kernel, stride and padding") {
  for (int r = 1; r <= 6; ++r) {
    for (int stride = 1; stride <= 3; ++stride) {
      for (int pad = 0; pad < r; pad += 2) {
        const int s = 7 - r;
        Check(Geometry(1, 7, 8, 16, 16, r, s, stride, std::min(pad, s - 1), r / 2));
      }
    }
  }
}

TEST_CASE("DFT convolutions match plain loops for any extent") {
  Check({2, 9, 5, 16, 32, 3, 4, 3, 2, 3, 1, 1, 0, 0, 0});  // all differs, rows left over
  Check({1, 6, 6, 16, 16, 2, 2, 2, 2, 4, 3, 0, 0, 0, 0});  // pixels that no window reaches
  Check({1, 4, 4, 16, 16, 9, 9, 3, 3, 1, 1, 2, 2, 5, 5});  // windows beyond the image
  Check({1, 1, 1, 16, 16, 1, 1, 5, 5, 1, 1, 2, 2, 2, 2});
  Check({1, 1, 2, 16, 16, 1, 1, 5, 5, 3, 3, 2, 2, 2, 2});    // phases without a pixel
  Check({1, 13, 1, 32, 16, 13, 1, 2, 1, 1, 1, 0, 0, 1, 0});  // a line
  Check({1, 1, 16, 16, 16, 1, 16, 1, 4, 1, 1, 0, 1, 0, 2});
}

TEST_CASE("DFT convolutions match plain loops for groups of channels and for layers of GANs") {
  Check(Geometry(2, 3, 3, 48, 80, 3, 3, 1, 1, 1));
  Check(Geometry(1, 3, 3, 144, 16, 2, 2, 1, 0, 1));
  Check(Geometry(3, 7, 7, 32, 64, 5, 5, 1, 2, 2));
  Check(Geometry(2, 14, 14, 16, 32, 5, 5, 2, 1, 2));
  Check(Geometry(2, 14, 14, 16, 16, 4, 4, 2, 1, 1));
}

TEST_CASE("DFT convolutions match plain loops with planes that no cache holds") {
  Check(Geometry(101, 1, 1, 64, 16, 15, 15, 1, 7, 7));  // 337 planes: 8.7 MB of the image
  Check(Geometry(101, 1, 1, 16, 64, 15, 15, 1, 7, 7));  // and of the features
}

TEST_CASE("DFT convolutions are worked on in parts") {
  for (const int64_t max_plane_bytes : {1, 100'000, 150'000, 300'000}) {
    Check(Geometry(5, 5, 5, 16, 80, 3, 3, 1, 1, 1), max_plane_bytes);
    Check(Geometry(7, 4, 4, 16, 48, 3, 3, 2, 1, 1), max_plane_bytes);
  }
}

TEST_CASE("Bits of DFT convolutions do not depend on the number of threads") {
  const ConvCase c(Geometry(7, 7, 7, 64, 32, 5, 5, 1, 2, 2));
  const int threads = omp_get_max_threads();
  std::vector<Floats> results;
  for (const int count : {1, 2, 3}) {
    omp_set_num_threads(count);
    EngineCounters counters;
    Workspace workspace(counters);
    results.push_back(NaNs(c.weight.size()));
    const Kernel kernel =
        MakeDftBackwardWeight<float>(c.g, c.image.data(), c.features.data(), results.back().data(),
                                     GradientMode::kOverwrite, workspace);
    workspace.Allocate();
    kernel();
  }
  omp_set_num_threads(threads);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

std::vector<Bf16> Rounded(const Floats& values) { return {values.begin(), values.end()}; }
Floats AsFloats(const std::vector<Bf16>& values) { return {values.begin(), values.end()}; }

// Of planes that are rounded: two hundredths of the results' root mean square.
Tolerance CloseInBf16(const Doubles& expected) {
  double squares = 0;
  for (const double value : expected) squares += value * value;
  return {0.02 * std::sqrt(squares / static_cast<double>(expected.size())),
          tolerance::kBf16Rounding};
}

void CheckBf16(const ConvGeometry& g, const DftOptions& options) {
  ConvCase c(g);
  const std::vector<Bf16> image = Rounded(c.image), features = Rounded(c.features);
  c.image = AsFloats(image);
  c.features = AsFloats(features);
  Doubles forward(c.features.size(), 0.0), data(c.image.size(), 0.0), weight(c.weight.size(), 0.0);
  c.ForEachProduct([&](size_t i, size_t w, size_t f) {
    forward[f] += double{c.image[i]} * c.weight[w];
    data[i] += double{c.features[f]} * c.weight[w];
    weight[w] += double{c.image[i]} * c.features[f];
  });
  EngineCounters counters;
  Workspace workspace(counters);
  std::vector<Bf16> actual_forward(forward.size(), Bf16(NAN)), actual_data(data.size(), Bf16(NAN));
  Floats actual_weight = NaNs(weight.size());
  const std::vector<Kernel> kernels = {
      MakeDftForward(g, image.data(), c.weight.data(), actual_forward.data(), workspace, options),
      MakeDftBackwardData(g, features.data(), c.weight.data(), actual_data.data(), workspace,
                          options),
      MakeDftBackwardWeight(g, image.data(), features.data(), actual_weight.data(),
                            GradientMode::kOverwrite, workspace, options)};
  CHECK((counters.primitives == 0) == options.own_products);
  workspace.Allocate();
  for (const Kernel& kernel : kernels) kernel();
  RequireClose(AsFloats(actual_forward), forward, CloseInBf16(forward));
  RequireClose(AsFloats(actual_data), data, CloseInBf16(data));
  RequireClose(actual_weight, weight, CloseInBf16(weight));
}

TEST_CASE("DFT convolutions of bf16 activations", "[bf16]") {
  if (!HasBf16(*MakeCpuEngine())) return;
  for (const int64_t max_plane_bytes : {kEnough, int64_t{20'000}, int64_t{230'000}}) {
    for (const bool own_products : {false, true}) {
      CheckBf16(Geometry(2, 7, 7, 32, 16, 5, 5, 1, 2, 2), {max_plane_bytes, own_products});
      CheckBf16(Geometry(7, 6, 5, 16, 80, 4, 4, 2, 1, 1), {max_plane_bytes, own_products});
    }
  }
  CheckBf16(Geometry(350, 8, 8, 64, 16, 1, 1, 1, 0, 0), {kEnough, true});  // past the caches
}

TEST_CASE("DFT convolutions pass NaN on and keep it to its image") {
  ConvCase c(Geometry(3, 7, 7, 16, 16, 5, 5, 1, 2, 2));
  const size_t image_elems = c.image.size() / 3, features_elems = c.features.size() / 3;
  c.image[image_elems] = NAN;  // of the second
  EngineCounters counters;
  Workspace workspace(counters);
  Floats actual(c.features.size());
  const Kernel kernel =
      MakeDftForward<float>(c.g, c.image.data(), c.weight.data(), actual.data(), workspace);
  workspace.Allocate();
  kernel();
  for (size_t i = 0; i < actual.size(); ++i) {
    const size_t image = i / features_elems, pixel = i % features_elems / 16;
    if (image != 1) REQUIRE(std::isfinite(actual[i]));
    if (image == 1 && pixel == 0) REQUIRE(std::isnan(actual[i]));
  }
}

TEST_CASE("DFT convolutions refuse what they are not made for") {
  CHECK(DftSupports(Geometry(1, 7, 7, 16, 32, 3, 3, 1, 1, 1)));
  CHECK_FALSE(DftSupports(Geometry(1, 7, 7, 15, 32, 3, 3, 1, 1, 1)));
  CHECK_FALSE(DftSupports(Geometry(1, 7, 7, 16, 1, 3, 3, 1, 1, 1)));
  CHECK_FALSE(DftSupports(Geometry(1, 7, 7, 16, 16, 3, 3, 1, 3, 3)));
  CHECK_FALSE(DftSupports({1, 7, 7, 16, 16, 5, 5, 3, 3, 1, 1, -1, -1, -1, -1}));
}

// ---- in the engine

const ConvGeometry kPaying = Geometry(64, 7, 7, 64, 64, 5, 5, 1, 2, 2);

std::vector<OpCase> PayingCases() {
  const ConvGeometry& g = kPaying;
  const auto make = [&](const std::string& name, const auto& make_op) {
    OneOpPlan plan;
    const TensorId image = plan.Add("image", g.n, Shape::Spatial(g.h, g.w, g.c));
    const TensorId features = plan.Add("features", g.n, Shape::Spatial(g.p, g.q, g.k));
    const TensorId weight = plan.Add("weight", g.k, Shape::Spatial(g.r, g.s, g.c));
    return plan.Finish(name, make_op(plan, image, features, weight), kClose);
  };
  using Id = TensorId;
  return {make("forward",
               [&](OneOpPlan& plan, Id image, Id features, Id weight) -> Op {
                 const Activation leaky{ActivationKind::kLeakyRelu, 0.2f};
                 return ConvForward{g, image, weight, plan.AddVector("bias", g.k), features, leaky};
               }),
          make("forward, linear",
               [&](OneOpPlan&, Id image, Id features, Id weight) -> Op {
                 return ConvForward{g, image, weight, kNoTensor, features, {}};
               }),
          make("backward data",
               [&](OneOpPlan&, Id image, Id features, Id weight) -> Op {
                 return ConvBackwardData{g, features, weight, image};
               }),
          make("backward weight", [&](OneOpPlan&, Id image, Id features, Id weight) -> Op {
            return ConvBackwardWeight{g, image, features, weight, GradientMode::kAccumulate};
          })};
}

TEST_CASE("cpu: where it pays, a convolution is done by Fourier transforms") {
  const auto engine = MakeCpuEngine();
  for (const ConvDirection direction :
       {ConvDirection::kForward, ConvDirection::kBackwardData, ConvDirection::kBackwardWeight}) {
    CHECK(DftPays(direction, kPaying, DType::kF32));
    CHECK_FALSE(DftPays(direction, Geometry(64, 7, 7, 64, 64, 1, 1, 1, 0, 0), DType::kF32));
    CHECK_FALSE(DftPays(direction, Geometry(1, 7, 7, 64, 64, 5, 5, 1, 2, 2), DType::kF32));
  }
  for (const OpCase& op_case : PayingCases()) {
    INFO(op_case.name);
    CHECK(engine->Compile(op_case.plan)->Counters().primitives == 0);  // of the library
  }
  CheckCases(*engine, PayingCases());
}

}  // namespace
}  // namespace numeral::cpu
