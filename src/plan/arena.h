// Gives every tensor of a plan its place in memory.
#pragma once

#include "plan/plan.h"

namespace numeral {

inline constexpr int64_t kAlignment = 64;  // bytes; a cache line and a vector register

// Persistent tensors lie side by side, and so do data tensors. Transient ones share one arena: a
// tensor holds its bytes from the first op of its phase that touches it to the last, views counted
// as their base, and an op that may run in place (InPlacePairs) gets one buffer for source and
// result where the source is not needed afterwards. Greedy by size (Pisarchyk & Lee 2020): largest
// first, each at the lowest free offset. Another buffer gets the bytes only `kept_ops` ops later,
// so that an engine may carry out ops beside each other without waiting for memory. With `reuse`
// false, no transient tensor shares memory with another, across all phases.
void PlaceTensors(Plan& plan, bool reuse, int kept_ops);

}  // namespace numeral
