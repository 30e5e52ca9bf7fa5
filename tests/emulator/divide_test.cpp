// Division by multiplication.
#include "cuda/support/divide.h"

#include "tests/catch.h"

namespace numeral::cuda {
namespace {

TEST_CASE("Divisors divide as the processor does", "[emulator][divide]") {
  constexpr int64_t kLargest = INT32_MAX;
  for (const int64_t divisor :
       {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{7}, int64_t{24}, int64_t{641}, int64_t{784},
        int64_t{65536}, int64_t{65537}, int64_t{1} << 30, kLargest - 1, kLargest}) {
    const Divisor by(divisor);
    CHECK(by.value() == divisor);
    for (const int64_t multiple : {int64_t{0}, int64_t{1}, int64_t{1000}, kLargest / divisor}) {
      for (const int64_t offset : {-1, 0, 1}) {
        const int64_t dividend = multiple * divisor + offset;
        if (dividend < 0 || dividend > kLargest) continue;
        INFO(dividend << " / " << divisor);
        const Division division = by.Divide(static_cast<int>(dividend));
        CHECK(division.quotient == dividend / divisor);
        CHECK(division.remainder == dividend % divisor);
      }
    }
  }
  CHECK_THROWS_WITH(Divisor(0), Catch::Contains("divisor"));
  CHECK_THROWS_WITH(Divisor(kLargest + 1), Catch::Contains("divisor"));
}

}  // namespace
}  // namespace numeral::cuda
