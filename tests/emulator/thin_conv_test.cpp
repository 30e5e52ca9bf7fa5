// Convolutions with one channel on one side, against naive loops.
#include "cuda/kernels/thin_conv.h"

#include <array>

#include "tests/emulator/device_tensor.h"
#include "tests/emulator/stream.h"

namespace numeral::cuda {
namespace {

struct Case {
  ConvGeometry geometry;
  int misalignment = 0;
};

// Of an image h x w with `pad` = top, left, bottom, right.
Case MakeCase(int n, int h, int w, int c, int k, std::array<int, 2> window,
              std::array<int, 2> stride, std::array<int, 4> pad, int misalignment = 0) {
  ConvGeometry g{.n = n, .h = h, .w = w, .c = c, .k = k, .r = window[0], .s = window[1]};
  g.stride_h = stride[0];
  g.stride_w = stride[1];
  g.pad_top = pad[0];
  g.pad_left = pad[1];
  g.pad_bottom = pad[2];
  g.pad_right = pad[3];
  g.p = (h + pad[0] + pad[2] - g.r) / g.stride_h + 1;
  g.q = (w + pad[1] + pad[3] - g.s) / g.stride_w + 1;
  return {g, misalignment};
}

std::vector<Case> Cases() {
  return {
      MakeCase(1, 1, 1, 1, 1, {1, 1}, {1, 1}, {0, 0, 0, 0}),
      MakeCase(2, 10, 10, 1, 16, {5, 5}, {2, 2}, {1, 1, 2, 2}),  // "same" of TensorFlow
      MakeCase(3, 7, 11, 1, 13, {3, 5}, {1, 2}, {1, 2, 1, 2}),
      MakeCase(1, 13, 9, 1, 72, {5, 3}, {2, 1}, {2, 0, 2, 0}),  // several tiles of channels
      MakeCase(2, 9, 8, 1, 8, {2, 4}, {3, 3}, {0, 1, 0, 1}),    // pixels that no tap reaches
      MakeCase(2, 12, 10, 1, 8, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1),
      MakeCase(1, 6, 6, 1, 3, {7, 7}, {1, 1}, {3, 3, 3, 3}),
      MakeCase(1, 40, 31, 1, 8, {3, 3}, {1, 1}, {0, 0, 0, 0}),  // several chunks, several bands
      MakeCase(2, 9, 7, 16, 1, {3, 3}, {1, 1}, {1, 1, 1, 1}),   // one feature instead
      MakeCase(1, 8, 9, 11, 1, {5, 2}, {1, 1}, {2, 0, 1, 1}),
      MakeCase(2, 6, 5, 8, 1, {2, 2}, {1, 1}, {2, 3, 2, 3}),    // complement of the padding below 0
      MakeCase(1, 5, 4, 1, 420, {5, 5}, {1, 1}, {2, 2, 2, 2}),  // items of several blocks
  };
}

struct Values {
  std::vector<double> image, features, weight;
};

// use(image index, features index, weight index) for every multiplication.
template <typename Use>
void ForEachTerm(const ConvGeometry& g, const Use& use) {
  const auto index = [](int a, int b, int b_size, int c, int c_size, int d, int d_size) {
    return ((static_cast<size_t>(a) * static_cast<size_t>(b_size) + static_cast<size_t>(b)) *
                static_cast<size_t>(c_size) +
            static_cast<size_t>(c)) *
               static_cast<size_t>(d_size) +
           static_cast<size_t>(d);
  };
  for (int n = 0; n < g.n; ++n)
    for (int p = 0; p < g.p; ++p)
      for (int q = 0; q < g.q; ++q)
        for (int k = 0; k < g.k; ++k)
          for (int r = 0; r < g.r; ++r)
            for (int s = 0; s < g.s; ++s)
              for (int c = 0; c < g.c; ++c) {
                const int y = p * g.stride_h + r - g.pad_top, x = q * g.stride_w + s - g.pad_left;
                if (y < 0 || y >= g.h || x < 0 || x >= g.w) continue;
                use(index(n, y, g.h, x, g.w, c, g.c), index(n, p, g.p, q, g.q, k, g.k),
                    index(k, r, g.r, s, g.s, c, g.c));
              }
}

template <typename T>
class ThinConvRun {
 public:
  explicit ThinConvRun(const Case& c)
      : geometry_(c.geometry),
        misalignment_(c.misalignment),
        values_(MakeValues(geometry_)),
        image_(values_.image, misalignment_),
        features_(values_.features, misalignment_),
        weight_(values_.weight, misalignment_) {}

  std::vector<double> Forward() const {
    const DeviceTensor<T> features(values_.features.size(), misalignment_);
    LaunchThinConvForward<T>({geometry_, image_.data(), weight_.data(), features.data()}, nullptr);
    return features.Read();
  }
  std::vector<double> BackwardData() const {
    const DeviceTensor<T> image(values_.image.size(), misalignment_);
    LaunchThinConvBackwardData<T>({geometry_, features_.data(), weight_.data(), image.data()},
                                  nullptr);
    return image.Read();
  }
  std::vector<double> BackwardWeight(GradientMode mode, double initial) const {
    const DeviceTensor<float> gradient(std::vector<double>(values_.weight.size(), initial),
                                       misalignment_);
    const DeviceTensor<float> scratch(ThinConvScratchBytes(geometry_) / sizeof(float));
    LaunchThinConvBackwardWeight<T>(
        {geometry_, image_.data(), features_.data(), gradient.data(), mode, scratch.data()},
        nullptr);
    return gradient.Read();
  }

  std::vector<double> ExpectedForward() const {
    std::vector<double> features(values_.features.size());
    ForEachTerm(geometry_, [&](size_t i, size_t f, size_t w) {
      features[f] += values_.image[i] * values_.weight[w];
    });
    return features;
  }
  std::vector<double> ExpectedBackwardData() const {
    std::vector<double> image(values_.image.size());
    ForEachTerm(geometry_, [&](size_t i, size_t f, size_t w) {
      image[i] += values_.features[f] * values_.weight[w];
    });
    return image;
  }
  std::vector<double> ExpectedBackwardWeight(double initial) const {
    std::vector<double> gradient(values_.weight.size(), initial);
    ForEachTerm(geometry_, [&](size_t i, size_t f, size_t w) {
      gradient[w] += values_.image[i] * values_.features[f];
    });
    return gradient;
  }

 private:
  static Values MakeValues(const ConvGeometry& g) {
    const auto count = [](int a, int b, int c, int d) {
      return static_cast<size_t>(a) * static_cast<size_t>(b) * static_cast<size_t>(c) *
             static_cast<size_t>(d);
    };
    return {RandomValues<T>(count(g.n, g.h, g.w, g.c), 1),
            RandomValues<T>(count(g.n, g.p, g.q, g.k), 2),
            RandomValues<float>(count(g.k, g.r, g.s, g.c), 3)};
  }

  ConvGeometry geometry_;
  int misalignment_;
  Values values_;
  DeviceTensor<T> image_, features_;
  DeviceTensor<float> weight_;
};

template <typename T>
void CheckAgainstLoops(const Case& c, uint64_t seed) {
  const ConvGeometry& g = c.geometry;
  INFO(g.n << " x " << g.h << "x" << g.w << "x" << g.c << " <> " << g.p << "x" << g.q << "x" << g.k
           << ", window " << g.r << "x" << g.s << ", " << sizeof(T) << " bytes, seed " << seed);
  REQUIRE(ThinConvSupports(g));
  emulator::SetSeed(seed);
  const ThinConvRun<T> run(c);
  CheckClose(run.Forward(), run.ExpectedForward(), StoredAs<T>(tolerance::kProduct));
  CheckClose(run.BackwardData(), run.ExpectedBackwardData(), StoredAs<T>(tolerance::kProduct));
  CheckClose(run.BackwardWeight(GradientMode::kOverwrite, kNaN), run.ExpectedBackwardWeight(0),
             tolerance::kProduct);
  CheckClose(run.BackwardWeight(GradientMode::kAccumulate, 0.75), run.ExpectedBackwardWeight(0.75),
             tolerance::kProduct);
}

}  // namespace

TEST_CASE("Thin convolutions are those of naive loops", "[emulator][thin_conv]") {
  for (const Case& c : Cases()) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      CheckAgainstLoops<float>(c, seed);
      CheckAgainstLoops<bf16>(c, seed);
    }
  }
}

TEST_CASE("Thin convolutions of more images than blocks", "[emulator][thin_conv]") {
  const ThinConvRun<bf16> run(MakeCase(270, 3, 3, 1, 8, {2, 2}, {1, 1}, {0, 0, 0, 0}));
  CheckClose(run.Forward(), run.ExpectedForward(), StoredAs<bf16>(tolerance::kProduct));
  CheckClose(run.BackwardData(), run.ExpectedBackwardData(), StoredAs<bf16>(tolerance::kProduct));
  CheckClose(run.BackwardWeight(GradientMode::kOverwrite, kNaN), run.ExpectedBackwardWeight(0),
             tolerance::kProduct);
}

TEST_CASE("Thin convolutions have the same bits in every schedule", "[emulator][thin_conv]") {
  const auto run = [](uint64_t seed) {
    emulator::SetSeed(seed);
    const ThinConvRun<bf16> conv(MakeCase(3, 14, 14, 1, 24, {5, 5}, {2, 2}, {1, 1, 2, 2}));
    return std::array{conv.Forward(), conv.BackwardData(),
                      conv.BackwardWeight(GradientMode::kOverwrite, kNaN)};
  };
  const auto first = run(10);
  for (uint64_t seed = 11; seed < 14; ++seed) CHECK(run(seed) == first);
}

TEST_CASE("Thin convolutions refuse other geometries", "[emulator][thin_conv]") {
  const auto supports = [](const Case& c) { return ThinConvSupports(c.geometry); };
  CHECK(supports(MakeCase(1, 28, 28, 1, 64, {5, 5}, {2, 2}, {1, 1, 2, 2})));
  CHECK(supports(MakeCase(1, 28, 28, 128, 1, {7, 7}, {1, 1}, {3, 3, 3, 3})));
  CHECK(supports(MakeCase(1, 28, 28, 1, 64, {3, 3}, {3, 3}, {0, 0, 0, 0})));
  const Case both = MakeCase(1, 8, 8, 2, 2, {3, 3}, {1, 1}, {0, 0, 0, 0});
  CHECK_FALSE(supports(both));
  CHECK_FALSE(supports(MakeCase(1, 8, 8, 2, 1, {3, 3}, {2, 2}, {0, 0, 0, 0})));
  CHECK_FALSE(supports(MakeCase(1, 8, 8, 1, 2000, {5, 5}, {1, 1}, {0, 0, 0, 0})));
  CHECK_THROWS_AS(LaunchThinConvForward<float>({both.geometry, nullptr, nullptr, nullptr}, nullptr),
                  Error);
}

}  // namespace numeral::cuda
