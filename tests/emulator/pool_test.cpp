// Max pooling, by windows and of whole images, on the emulator.
#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/support/op_cases.h"

namespace numeral::emulator {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST_CASE("Pools are those of the reference", "[emulator][pool]") { CheckEmulated(PoolCases()); }

TEST_CASE("Pools begin at any element", "[emulator][pool]") { CheckMisaligned(PoolCases()); }

// The pixels of an image of 4x4, and which is the maximum.
struct Image {
  std::vector<float> pixels;
  int winner;
};

Image ImageOf(float everywhere, const std::vector<std::pair<size_t, float>>& others, int winner) {
  Image image{std::vector<float>(16, everywhere), winner};
  for (const auto& [place, value] : others) image.pixels[place] = value;
  return image;
}

// A channel of every pixel is the same, so every channel has the same maximum.
void CheckMaximum(const Image& image, int channels, bool global) {
  INFO(channels << " channels, " << (global ? "global" : "window"));
  OneOpPlan plan;
  const TensorId x = plan.Add("x", 1, Shape::Spatial(4, 4, channels));
  std::vector<float> values;
  for (const float pixel : image.pixels) {
    values.insert(values.end(), static_cast<size_t>(channels), pixel);
  }
  plan.SetReals(x, values);
  const Shape pooled = global ? Shape::Flat(channels) : Shape::Spatial(1, 1, channels);
  const TensorId y = plan.Add("y", 1, pooled);
  const TensorId argmax = plan.Add("argmax", 1, pooled, DType::kI32);
  const OpCase op_case =
      global ? plan.Finish("global", GlobalMaxPoolForward{x, y, argmax}, {})
             : plan.Finish("window", MaxPoolForward{{4, 4, 1, 1}, x, y, argmax}, {});
  const auto executable = cuda::MakeCudaEngine({})->Compile(op_case.plan);
  WriteInputs(op_case, *executable);
  executable->Enqueue(0);
  CHECK(executable->ReadAll<int32_t>(argmax, channels) ==
        std::vector<int32_t>(static_cast<size_t>(channels), image.winner));
  const float expected = image.pixels[static_cast<size_t>(image.winner)];
  for (const float value : executable->ReadAll<float>(y, channels)) {
    CHECK((value == expected || (std::isnan(value) && std::isnan(expected))));
  }
}

TEST_CASE("NaN wins pools, and the first of equals", "[emulator][pool]") {
  for (const Image& image :
       {ImageOf(-kInfinity, {}, 0), ImageOf(-1, {{0, kNaN}, {15, 1}}, 0),
        ImageOf(1, {{5, kNaN}, {9, kNaN}}, 5), ImageOf(-2, {{3, kInfinity}, {12, kNaN}}, 12),
        ImageOf(0, {{0, -0.0f}}, 0), ImageOf(-5, {{13, 2}, {7, 2}}, 7)}) {
    INFO("winner " << image.winner);
    for (const int channels : {3, 8}) {
      for (const bool global : {false, true}) CheckMaximum(image, channels, global);
    }
  }
}

}  // namespace
}  // namespace numeral::emulator
