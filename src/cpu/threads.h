// How many threads work on a plan.
#pragma once

#include "plan/plan.h"

namespace numeral::cpu {

// The threads that pay for a plan, 1 to `most`: the more, the more arithmetic there is to an op of
// its heaviest phase. Depends on nothing but the two.
int ChooseThreads(const Plan& plan, int most);

}  // namespace numeral::cpu
