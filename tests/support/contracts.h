// Promises of plan/ops.h that a comparison within tolerances cannot see: NaN, signs of zero, ties
// of roundings, and that joined batches draw what separate ones draw.
#pragma once

#include "engine/engine.h"

namespace numeral {

// Holds the engine to all of them, each in a section of the running test case, with activations as
// fp32 and, where the engine has it, as bf16.
void CheckContracts(Engine& engine);

}  // namespace numeral
