// The lanes of one warp and the warp operations that they wait in.
#pragma once

#include <cstdint>
#include <string>

#include "tests/emulator/kernel.h"
#include "tests/emulator/simt_calls.h"

namespace numeral::emulator {

enum class WarpOp { kShuffle, kBallot, kSync };

// What one lane brings to a warp operation; it lives on that lane's stack.
struct LaneCall {
  WarpOp op = WarpOp::kSync;
  unsigned mask = 0;
  Place place;
  // Shuffles:
  const void* operand = nullptr;
  void* result = nullptr;
  size_t bytes = 0;
  ShuffleKind shuffle = ShuffleKind::kIndex;
  int argument = 0, width = 32;
  // Ballots:
  bool predicate = false;
  unsigned ballot = 0;
};

class Warp {
 public:
  void Begin(unsigned lanes) { existing_ = present_ = lanes; }

  // The lane waits. Throws Failure where it and another lane wait for each other in vain.
  void Arrive(int lane, LaneCall* call);

  // The lane has ended: nobody waits for it any more.
  void Exit(int lane) { present_ &= ~(1u << lane); }

  // Carries out the operation that the lane waits in if all its lanes have arrived: which, and the
  // lanes that may go on. No lanes otherwise.
  unsigned Complete(int lane, WarpOp* op);

  unsigned arrived() const { return arrived_; }
  const LaneCall* waiting(int lane) const {
    return (arrived_ >> lane & 1) != 0 ? calls_[lane] : nullptr;
  }

 private:
  unsigned existing_ = 0;
  unsigned arrived_ = 0;  // lanes that wait
  unsigned present_ = 0;  // lanes that have not ended
  LaneCall* calls_[32] = {};
};

}  // namespace numeral::emulator
