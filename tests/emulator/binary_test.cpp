// Sums and products of two activations, on the emulator.
#include "tests/catch.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/support/op_cases.h"

namespace numeral::emulator {
namespace {

TEST_CASE("Sums and products of two are those of the reference", "[emulator][binary]") {
  CheckEmulated(BinaryCases());
}

TEST_CASE("Sums and products of two begin at any element", "[emulator][binary]") {
  CheckMisaligned(BinaryCases());
}

// More packs than a grid has threads: each takes several.
constexpr int kManyElems = 132 * 16 * 256 * 9 / 8;

TEST_CASE("Sums of more elements than threads", "[emulator][binary]") {
  OneOpPlan plan;
  const Shape shape = Shape::Spatial(1, 1, 1);
  const TensorId a = plan.Add("a", kManyElems, shape), b = plan.Add("b", kManyElems, shape);
  const TensorId y = plan.Add("y", kManyElems, shape);
  const OpCase flat =
      plan.Finish("flat", BinaryForward{BinaryKind::kAdd, false, a, b, y}, tolerance::kElementwise);
  const OpCase spread = plan.Finish("spread", BinaryForward{BinaryKind::kAdd, true, a, b, y},
                                    tolerance::kElementwise);
  CheckMisaligned({flat, spread});
}

}  // namespace
}  // namespace numeral::emulator
