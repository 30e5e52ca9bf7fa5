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

  // Carries out an operation all of whose lanes have arrived: which, and the lanes that may go on.
  // No lanes where there is none.
  unsigned Complete(WarpOp* op);

  const LaneCall* waiting(int lane) const { return calls_[lane]; }

 private:
  unsigned existing_ = 0;
  unsigned present_ = 0;  // lanes that have not ended
  LaneCall* calls_[32] = {};
};

}  // namespace numeral::emulator
