// Which tensors of a plan are stored in less than fp32.
#pragma once

#include "plan/plan.h"

namespace numeral {

// With kBf16, transient tensors that ops use as activations alone become bf16; parameters, their
// gradients, statistics and whatever the host reads or writes stay fp32. The plan must have a
// Convert wherever one meets the other. With another precision, nothing changes but the plan's
// field.
void ApplyPrecision(Plan& plan, Precision precision);

}  // namespace numeral
