// Gives every tensor of a plan its place in memory.
#pragma once

#include <vector>

#include "plan/plan.h"

namespace numeral {

inline constexpr int64_t kAlignment = 64;  // bytes; a cache line and a vector register
inline int64_t AlignUp(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Bytes that are needed from one op of a phase to another, both included.
struct Lifetime {
  int64_t bytes = 0;
  int first = 0, last = 0;
  int64_t offset = 0;  // where they are
};
// Gives each its offset, from `origin` on; returns the end. Greedy by size (Pisarchyk & Lee 2020):
// largest first, each at the lowest free offset. Bytes are used again `kept_ops` ops after the last
// that needs them.
int64_t PlaceLifetimes(std::vector<Lifetime*> lifetimes, int64_t origin, int kept_ops);

// Persistent tensors lie side by side, and so do data tensors. Transient ones share one arena: a
// tensor holds its bytes from the first op of its phase that touches it to the last, views counted
// as their base, and an op that may run in place (InPlacePairs) gets one buffer for source and
// result where the source is not needed afterwards. Another buffer gets the bytes only `kept_ops`
// ops later, so that an engine may carry out ops beside each other without waiting for memory. With
// `reuse` false, no transient tensor shares memory with another, across all phases.
void PlaceTensors(Plan& plan, bool reuse, int kept_ops);

}  // namespace numeral
