// Ops that move elements, and conversions, on the emulator.
#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/emulator/stream.h"
#include "tests/support/op_cases.h"

namespace numeral::emulator {
namespace {

TEST_CASE("Moved elements are those of the reference", "[emulator][rearrange]") {
  CheckEmulated(RearrangeCases());
}

TEST_CASE("Moved elements begin anywhere", "[emulator][rearrange]") {
  CheckMisaligned(RearrangeCases());
}

TEST_CASE("Conversions are those of the reference", "[emulator][convert]") {
  CheckEmulated(ConvertCases());
  CheckMisaligned(ConvertCases());
}

// More threads' work than a grid has threads, for every loop over packs.
TEST_CASE("Moves of more elements than threads", "[emulator][rearrange]") {
  constexpr int kMany = 132 * 16 * 256 * 9 / 8;
  const Shape pixel = Shape::Spatial(1, 1, 1);
  std::vector<OpCase> cases;
  {
    OneOpPlan plan;
    const TensorId x = plan.Add("x", kMany, pixel), y = plan.Add("y", kMany, pixel);
    cases.push_back(plan.Finish("many", UpsampleForward{1, x, y}, tolerance::kExact));
    cases.push_back(plan.Finish("many", PixelShuffleForward{1, x, y}, tolerance::kExact));
    cases.push_back(plan.Finish("many", ConcatForward{{x}, y}, tolerance::kExact));
    const FeatureOrder plain = FeatureOrder::Plain(1);
    cases.push_back(plan.Finish("many", Permute{x, y, plain, plain, GradientMode::kOverwrite},
                                tolerance::kExact));
  }
  SetSeed(1);
  CheckCases(*cuda::MakeCudaEngine({}), cases);
}

OpCase ConcatOf(int parts) {
  OneOpPlan plan;
  ConcatForward op;
  for (int i = 0; i < parts; ++i) {
    op.inputs.push_back(plan.Add(fmt::format("input_{}", i), 3, Shape::Flat(1 + i % 2)));
  }
  op.y = plan.Add("y", 3, Shape::Flat(parts + parts / 2));
  return plan.Finish(fmt::format("{} parts", parts), op, tolerance::kExact);
}

TEST_CASE("So many tensors are joined and no more", "[emulator][rearrange]") {
  CheckEmulated({ConcatOf(2), ConcatOf(16)});
  CHECK_THROWS_WITH(cuda::MakeCudaEngine({})->Compile(ConcatOf(17).plan),
                    Catch::Contains("at most 16 tensors at once, not 17"));
}

}  // namespace
}  // namespace numeral::emulator
