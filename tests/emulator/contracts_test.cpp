#include "tests/support/contracts.h"

#include "tests/catch.h"
#include "tests/emulator/emulated_engine.h"

namespace numeral::emulator {
namespace {

TEST_CASE("What tolerances cannot see", "[emulator][contracts]") {
  CheckContracts(*cuda::MakeCudaEngine({}));
}

}  // namespace
}  // namespace numeral::emulator
