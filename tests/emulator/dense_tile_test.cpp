// Dense tiles by their launchers: arithmetic, sizes, what does not belong to a result.
#include "cuda/kernels/dense_tile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/emulator/dense_case.h"
#include "tests/emulator/stream.h"

namespace numeral::cuda {
namespace {

TEST_CASE("Dense tiles round their operands to TF32 where that is asked for, and else not",
          "[emulator][dense_tile]") {
  const Dense dense = MakeDense<float>(20, 200, 40);
  const std::vector<double> forward = Expected(dense, ProductPass::kForward),
                            backward = Expected(dense, ProductPass::kBackwardData);
  const DeviceTensor<float> x(dense.x), weight(dense.weight), grad_y(dense.grad_y);
  for (const Precision precision : {Precision::kFp32, Precision::kTf32}) {
    const bool tf32 = precision == Precision::kTf32;
    const DeviceTensor<float> y(dense.OutputElems()), grad_x(dense.InputElems());
    BiasActForwardArgs<float> act = {};
    act.y = y.data();
    act.channels = 40;
    act.range_count = 1;
    LaunchDenseTileForward<float>({{20, 200, 40}, precision, x.data(), weight.data(), act},
                                  nullptr);
    BiasActBackwardArgs<float> grad = {};
    grad.grad_x = grad_x.data();
    LaunchDenseTileBackward<float>({{20, 200, 40}, precision, grad_y.data(), weight.data(), grad},
                                   nullptr);
    const Tolerance tolerance = tf32 ? Tolerance{1e-2, 1e-3} : tolerance::kProduct;
    CheckClose(y.Read(), forward, tolerance);
    CheckClose(grad_x.Read(), backward, tolerance);
    if (!tf32) continue;
    const auto is_exact = [](const std::vector<double>& actual,
                             const std::vector<double>& expected) {
      return std::equal(actual.begin(), actual.end(), expected.begin(),
                        [](double a, double b) { return tolerance::kProduct.Accepts(a, b); });
    };
    CHECK_FALSE(is_exact(y.Read(), forward));
    CHECK_FALSE(is_exact(grad_x.Read(), backward));
  }
}

TEST_CASE(
    "Dense tiles are for small batches of layers of medium sizes, or of wide ones of little depth",
    "[emulator][dense_tile]") {
  constexpr Precision kFp32 = Precision::kFp32, kTf32 = Precision::kTf32, kBf16 = Precision::kBf16;
  for (const auto supports : {SupportsDenseTileForward, SupportsDenseTileBackward}) {
    CHECK(supports({128, 2048, 2048}, kFp32));
    CHECK(supports({1, 17, 17}, kFp32));
    CHECK_FALSE(supports({129, 100, 100}, kBf16));
    CHECK_FALSE(supports({64, 2049, 100}, kFp32));
    CHECK_FALSE(supports({64, 100, 2049}, kFp32));
    CHECK_FALSE(supports({64, 16, 100}, kFp32));
    CHECK_FALSE(supports({64, 100, 16}, kFp32));
    CHECK_FALSE(supports({0, 100, 100}, kFp32));
    CHECK(supports({64, 100, 100}, kBf16));
    CHECK_FALSE(supports({64, 101, 100}, kBf16));
    CHECK_FALSE(supports({64, 100, 101}, kBf16));
  }
  // Wide ones.
  CHECK(SupportsDenseTileForward({256, 512, 2050}, kTf32));
  CHECK(SupportsDenseTileForward({1, 18, 65536}, kBf16));
  CHECK_FALSE(SupportsDenseTileForward({257, 512, 2050}, kTf32));
  CHECK_FALSE(SupportsDenseTileForward({256, 513, 2050}, kTf32));
  CHECK_FALSE(SupportsDenseTileForward({256, 16, 2050}, kTf32));
  CHECK_FALSE(SupportsDenseTileForward({256, 512, 65537}, kTf32));
  CHECK_FALSE(SupportsDenseTileForward({256, 512, 2051}, kBf16));
  CHECK_FALSE(SupportsDenseTileBackward({256, 512, 2050}, kTf32));
}

TEST_CASE("NaN of a row, or infinity of a weight, stays in its row or column of a dense tile",
          "[emulator][dense_tile]") {
  constexpr int kRows = 19, kIn = 36, kOut = 22, kBadRow = 18, kBadColumn = 21;
  std::vector<double> x = RandomValues<bf16>(kRows * kIn, 1);
  std::vector<double> weight = RandomValues<bf16>(kOut * kIn, 2);
  x[kBadRow * kIn + 35] = std::numeric_limits<double>::quiet_NaN();
  weight[kBadColumn * kIn] = std::numeric_limits<double>::infinity();
  const auto check = [&]<typename T>(T, Precision precision) {
    const DeviceTensor<T> inputs(x), weights(weight), y(kRows * kOut);
    DenseTileForwardArgs<T> args = {
        {kRows, kIn, kOut}, precision, inputs.data(), weights.data(), {}};
    BiasActForwardArgs<T> act = {};
    act.y = y.data();
    act.channels = kOut;
    act.range_count = 1;
    args.behind = act;
    LaunchDenseTileForward(args, nullptr);
    const std::vector<double> values = y.Read();
    int wrong = 0;
    for (int row = 0; row < kRows; ++row) {
      for (int column = 0; column < kOut; ++column) {
        const double value = values[static_cast<size_t>(row * kOut + column)];
        const bool finite = row != kBadRow && column != kBadColumn;
        wrong += finite != std::isfinite(value);
        wrong += (row == kBadRow) != std::isnan(value);
      }
    }
    CHECK(wrong == 0);
  };
  check(0.0f, Precision::kFp32);
  check(0.0f, Precision::kTf32);
  check(bf16(), Precision::kBf16);
}

TEST_CASE("Launchers of dense tiles refuse what they are not made for", "[emulator][dense_tile]") {
  const DeviceTensor<float> x(40 * 20), weight(20 * 24), y(40 * 24);
  BiasActForwardArgs<float> act = {};
  act.y = y.data();
  act.channels = 24;
  act.range_count = 1;
  const auto forward = [&](DenseShape shape, const float* input) {
    LaunchDenseTileForward<float>({shape, Precision::kFp32, input, weight.data(), act}, nullptr);
  };
  forward({40, 20, 24}, x.data());
  CHECK_THROWS_AS(forward({129, 20, 24}, x.data()), Error);
  CHECK_THROWS_AS(forward({40, 20, 24}, nullptr), Error);
  CHECK_THROWS_AS(forward({40, 20, 18}, x.data()), Error);  // the bias has other channels
  act.range_count = 0;
  CHECK_THROWS_AS(forward({40, 20, 24}, x.data()), Error);
  BiasActBackwardArgs<float> grad = {};
  grad.grad_x = x.data();
  grad.channels = 20;
  const auto backward = [&] {
    LaunchDenseTileBackward<float>({{40, 20, 24}, Precision::kFp32, y.data(), weight.data(), grad},
                                   nullptr);
  };
  backward();
  grad.activation = {ActivationKind::kTanh};
  CHECK_THROWS_AS(backward(), Error);  // without its result
}

}  // namespace
}  // namespace numeral::cuda
