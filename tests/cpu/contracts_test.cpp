#include "tests/support/contracts.h"

#include "tests/catch.h"

namespace numeral {
namespace {

TEST_CASE("cpu: what tolerances cannot see") { CheckContracts(*MakeCpuEngine()); }

}  // namespace
}  // namespace numeral
