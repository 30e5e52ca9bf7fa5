// Thin convolutions against plain loops in double, over odd shapes.
#include "cpu/thin_conv.h"

#include <omp.h>

#include "tests/cpu/conv_case.h"
#include "tests/reference/activation.h"

namespace numeral::cpu {
namespace {

void CheckForward(const ConvCase& c, const Activation& activation, bool with_bias) {
  Doubles expected(c.features.size(), 0.0);
  c.ForEachProduct(
      [&](size_t i, size_t w, size_t f) { expected[f] += double{c.image[i]} * c.weight[w]; });
  for (size_t i = 0; i < expected.size(); ++i) {
    const double bias = with_bias ? c.bias[i % c.bias.size()] : 0.0;
    expected[i] = reference::Activate(activation, expected[i] + bias);
  }
  Floats weight = NaNs(c.weight.size()), actual = NaNs(c.features.size());
  const Kernel kernel =
      MakeThinForward(c.g, c.image.data(), weight.data(), with_bias ? c.bias.data() : nullptr,
                      activation, actual.data());
  weight = c.weight;  // only the address is known when a kernel is made
  for (int run = 0; run < 2; ++run) {
    kernel();
    RequireClose(actual, expected, tolerance::kProduct);
  }
}

void CheckBackwardData(const ConvCase& c) {
  Doubles expected(c.image.size(), 0.0);
  c.ForEachProduct(
      [&](size_t i, size_t w, size_t f) { expected[i] += double{c.features[f]} * c.weight[w]; });
  Floats actual = NaNs(c.image.size());
  const Kernel kernel =
      MakeThinBackwardData(c.g, c.features.data(), c.weight.data(), actual.data());
  for (int run = 0; run < 2; ++run) {
    kernel();
    RequireClose(actual, expected, tolerance::kProduct);
  }
}

void CheckBackwardWeight(const ConvCase& c) {
  Doubles expected(c.weight.size(), 0.0);
  c.ForEachProduct(
      [&](size_t i, size_t w, size_t f) { expected[w] += double{c.image[i]} * c.features[f]; });
  Floats actual = NaNs(c.weight.size());
  MakeThinBackwardWeight(c.g, c.image.data(), c.features.data(), actual.data(),
                         GradientMode::kOverwrite)();
  RequireClose(actual, expected, tolerance::kProduct);

  actual = RandomFloats(c.weight.size());
  for (size_t i = 0; i < expected.size(); ++i) expected[i] += actual[i];
  MakeThinBackwardWeight(c.g, c.image.data(), c.features.data(), actual.data(),
                         GradientMode::kAccumulate)();
  RequireClose(actual, expected, tolerance::kProduct);
}

void Check(const ConvGeometry& g) {
  INFO("n " << g.n << ", image " << g.h << " x " << g.w << " x " << g.c << ", features " << g.p
            << " x " << g.q << " x " << g.k << ", kernel " << g.r << " x " << g.s << ", stride "
            << g.stride_h << " x " << g.stride_w << ", padding " << g.pad_top << " " << g.pad_left);
  REQUIRE(ThinSupports(g));
  const ConvCase c(g);
  CheckForward(c, {}, false);
  CheckForward(c, {ActivationKind::kLeakyRelu, 0.2f}, true);
  CheckForward(c, {ActivationKind::kTanh}, true);
  CheckForward(c, {ActivationKind::kSigmoid}, false);
  CheckBackwardData(c);
  CheckBackwardWeight(c);
}

}  // namespace

TEST_CASE("Thin convolutions match plain loops for every number of channels") {
  for (const int many : {1, 2, 3, 4, 8, 9, 16, 17, 24, 40, 48, 64, 112}) {
    Check(Geometry(2, 9, 11, 1, many, 3, 3, 1, 1, 1));
    Check(Geometry(2, 9, 11, 1, many, 5, 5, 2, 1, 2));
    Check(Geometry(2, 9, 11, many, 1, 3, 3, 1, 1, 1));
  }
}

TEST_CASE("Thin convolutions match plain loops for every kernel and stride") {
  for (int r = 1; r <= 7; ++r) {
    for (int stride = 1; stride <= 3; ++stride) {
      const int s = 8 - r;
      Check(Geometry(1, 10, 17, 1, 24, r, s, stride, r / 2, s / 2));
      if (stride == 1) Check(Geometry(1, 10, 17, 24, 1, r, s, stride, r / 2, s / 2));
    }
  }
  Check({2, 12, 13, 1, 5, 4, 13, 3, 4, 3, 1, 1, 2, 0, 2});
}

TEST_CASE("Thin convolutions match plain loops for any padding and extent") {
  for (const bool image_is_thin : {true, false}) {
    const int c = image_is_thin ? 1 : 17, k = image_is_thin ? 17 : 1;
    Check({1, 8, 8, c, k, 8, 8, 7, 7, 1, 1, 3, 3, 3, 3});
    Check({1, 8, 9, c, k, 3, 4, 3, 3, 1, 1, 0, 0, 0, 0});    // part of the image is read
    Check({1, 4, 5, c, k, 13, 16, 3, 3, 1, 1, 5, 6, 6, 7});  // padding beyond the kernel
    Check({2, 1, 1, c, k, 3, 3, 5, 5, 1, 1, 3, 3, 3, 3});
    Check({1, 6, 6, c, k, 2, 2, 3, 3, 1, 1, -2, -1, 0, 0});  // cropping
    Check({1, 5, 40, c, k, 5, 40, 3, 3, 1, 1, 1, 1, 1, 1});
  }
  Check({1, 20, 20, 1, 17, 3, 4, 3, 3, 3, 2, 0, 1, 0, 0});  // columns and rows that nothing reads
  Check({1, 9, 9, 1, 17, 9, 9, 2, 2, 3, 3, 5, 4, 20, 20});
}

TEST_CASE("Thin convolutions match plain loops on maps of MNIST") {
  Check(Geometry(3, 28, 28, 1, 64, 5, 5, 2, 1, 2));
  Check(Geometry(3, 28, 28, 1, 8, 5, 5, 1, 2, 2));
  Check(Geometry(3, 28, 28, 16, 1, 3, 3, 1, 1, 1));
}

TEST_CASE("Gradients of thin convolutions do not depend on the number of threads") {
  const ConvCase c(Geometry(37, 14, 14, 1, 24, 3, 3, 1, 1, 1));
  const int threads = omp_get_max_threads();
  std::vector<Floats> results;
  for (const int count : {1, 2, 3}) {
    omp_set_num_threads(count);
    results.push_back(NaNs(c.weight.size()));
    MakeThinBackwardWeight(c.g, c.image.data(), c.features.data(), results.back().data(),
                           GradientMode::kOverwrite)();
  }
  omp_set_num_threads(threads);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("Thin convolutions refuse what they are not made for") {
  CHECK(ThinSupports(Geometry(1, 8, 8, 1, 1, 7, 7, 3, 3, 3)));
  CHECK_FALSE(ThinSupports(Geometry(1, 8, 8, 2, 2, 3, 3, 1, 1, 1)));
  CHECK_FALSE(ThinSupports(Geometry(1, 8, 8, 16, 1, 3, 3, 2, 1, 1)));
  CHECK_FALSE(ThinSupports(Geometry(1, 9, 9, 1, 16, 8, 3, 1, 1, 1)));
  CHECK_FALSE(ThinSupports(Geometry(1, 9, 9, 1, 16, 3, 3, 4, 1, 1)));
}

}  // namespace numeral::cpu
