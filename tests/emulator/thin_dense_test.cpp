// Dense products with a narrow side, against naive loops.
#include "cuda/kernels/thin_dense.h"

#include "tests/emulator/dense_case.h"
#include "tests/emulator/stream.h"

namespace numeral::cuda {
namespace {

struct Sizes {
  int n, in, out, misalignment;
};
// Out is narrow, then in, then both; rows beyond a slab of the weight gradient, columns off the
// width of packs and tiles.
constexpr Sizes kSizes[] = {{1, 1, 1, 0},   {2, 256, 1, 0},  {67, 80, 10, 0}, {130, 23, 16, 0},
                            {3, 64, 4, 1},  {1, 10, 64, 0},  {65, 10, 72, 0}, {5, 16, 31, 0},
                            {66, 3, 40, 3}, {2, 2056, 5, 0}, {3, 1, 17, 0},   {2, 5, 1030, 0}};

template <typename T>
class ThinDenseRun {
 public:
  explicit ThinDenseRun(const Sizes& sizes)
      : dense_(MakeDense<T>(sizes.n, sizes.in, sizes.out)),
        misalignment_(sizes.misalignment),
        x_(dense_.x, misalignment_),
        grad_y_(dense_.grad_y, misalignment_),
        weight_(dense_.weight, misalignment_) {}

  const Dense& dense() const { return dense_; }

  std::vector<double> Forward() const {
    const DeviceTensor<T> y(dense_.OutputElems(), misalignment_);
    LaunchThinDenseForward<T>({shape(), x_.data(), weight_.data(), y.data()}, nullptr);
    return y.Read();
  }
  std::vector<double> BackwardData() const {
    const DeviceTensor<T> grad_x(dense_.InputElems(), misalignment_);
    LaunchThinDenseBackwardData<T>({shape(), grad_y_.data(), weight_.data(), grad_x.data()},
                                   nullptr);
    return grad_x.Read();
  }
  // Twice in a row, as the counters have to serve again.
  std::vector<double> BackwardWeight(GradientMode mode, double initial) const {
    const DeviceTensor<float> grad_weight(std::vector<double>(dense_.WeightElems(), initial),
                                          misalignment_);
    const DeviceTensor<float> scratch(ThinDenseScratchBytes(shape()) / sizeof(float));
    const DeviceMemory counters(static_cast<size_t>(ThinDenseCounters(shape())) * sizeof(unsigned));
    if (counters.data() != nullptr) {
      NUMERAL_CUDA(cudaMemset(counters.data(), 0,
                              static_cast<size_t>(ThinDenseCounters(shape())) * sizeof(unsigned)));
    }
    for (int i = 0; i < 2; ++i) {
      LaunchThinDenseBackwardWeight<T>(
          {shape(), x_.data(), grad_y_.data(), grad_weight.data(), mode, scratch.data(),
           reinterpret_cast<unsigned*>(counters.data())},
          nullptr);
    }
    return grad_weight.Read();
  }

 private:
  DenseShape shape() const { return {dense_.n, dense_.in, dense_.out}; }

  Dense dense_;
  int misalignment_;
  DeviceTensor<T> x_, grad_y_;
  DeviceTensor<float> weight_;
};

template <typename T>
void CheckAgainstLoops(const Sizes& sizes, uint64_t seed) {
  INFO(sizes.n << " rows, " << sizes.in << " -> " << sizes.out << ", " << sizeof(T)
               << " bytes, seed " << seed);
  emulator::SetSeed(seed);
  const ThinDenseRun<T> run(sizes);
  CheckClose(run.Forward(), Expected(run.dense(), ProductPass::kForward),
             StoredAs<T>(tolerance::kProduct));
  CheckClose(run.BackwardData(), Expected(run.dense(), ProductPass::kBackwardData),
             StoredAs<T>(tolerance::kProduct));
  const std::vector<double> gradient = Expected(run.dense(), ProductPass::kBackwardWeight);
  CheckClose(run.BackwardWeight(GradientMode::kOverwrite, kNaN), gradient, tolerance::kProduct);
  std::vector<double> twice = gradient;
  for (double& value : twice) value = 0.75 + 2 * value;
  CheckClose(run.BackwardWeight(GradientMode::kAccumulate, 0.75), twice, tolerance::kProduct);
}

}  // namespace

TEST_CASE("Thin dense products are those of naive loops", "[emulator][thin_dense]") {
  for (const Sizes& sizes : kSizes) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      CheckAgainstLoops<float>(sizes, seed);
      CheckAgainstLoops<bf16>(sizes, seed);
    }
  }
}

TEST_CASE("Thin dense products have the same bits in every schedule", "[emulator][thin_dense]") {
  const auto run = [](uint64_t seed) {
    emulator::SetSeed(seed);
    const ThinDenseRun<bf16> dense({200, 72, 5, 0});
    return std::array{dense.Forward(), dense.BackwardData(),
                      dense.BackwardWeight(GradientMode::kOverwrite, kNaN)};
  };
  const auto first = run(10);
  for (uint64_t seed = 11; seed < 14; ++seed) CHECK(run(seed) == first);
}

TEST_CASE("Thin dense products refuse wide layers and missing scratch", "[emulator][thin_dense]") {
  CHECK(IsThinDense(16, 400));
  CHECK(IsThinDense(400, 16));
  CHECK_FALSE(IsThinDense(17, 17));
  CHECK_THROWS_AS(LaunchThinDenseForward<float>({{2, 17, 17}, nullptr, nullptr, nullptr}, nullptr),
                  Error);
  const DeviceTensor<float> tensor(400);
  CHECK_THROWS_AS(LaunchThinDenseBackwardWeight<float>({{100, 2, 2},
                                                        tensor.data(),
                                                        tensor.data(),
                                                        tensor.data(),
                                                        GradientMode::kOverwrite,
                                                        nullptr,
                                                        nullptr},
                                                       nullptr),
                  Error);
}

}  // namespace numeral::cuda
