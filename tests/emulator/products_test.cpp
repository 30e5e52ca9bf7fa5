// Products and convolutions of the CUDA engine, by fake libraries and by own kernels.
#include "tests/catch.h"
#include "tests/emulator/emulated_engine.h"
#include "tests/support/op_cases.h"

namespace numeral {

TEST_CASE("emulated: convolutions", "[emulator][convolution]") {
  emulator::CheckEmulated(ConvCases());
}
TEST_CASE("emulated: products", "[emulator][dense]") { emulator::CheckEmulated(DenseCases()); }

}  // namespace numeral
