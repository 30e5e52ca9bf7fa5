#include "tests/emulator/warp.h"

#include <bit>
#include <cstdio>
#include <cstring>

namespace numeral::emulator {
namespace {

const char* Name(WarpOp op) {
  switch (op) {
    case WarpOp::kShuffle:
      return "a shuffle";
    case WarpOp::kBallot:
      return "a vote";
    case WarpOp::kSync:
      return "__syncwarp";
  }
  return "";
}

bool Same(const LaneCall& a, const LaneCall& b) {
  if (a.op != b.op || a.mask != b.mask) return false;
  return a.op == WarpOp::kSync || (a.place == b.place && a.bytes == b.bytes);
}

std::string Describe(int lane, const LaneCall& call) {
  char mask[16];
  std::snprintf(mask, sizeof(mask), "%08x", call.mask);
  return "lane " + std::to_string(lane) + " is in " + Name(call.op) + " with mask " + mask +
         " at " + ToString(call.place);
}

// The lane whose operand a shuffle gives to `lane`.
int SourceLane(int lane, const LaneCall& call) {
  const int first = lane / call.width * call.width, last = first + call.width - 1;
  int source = lane;
  switch (call.shuffle) {
    case ShuffleKind::kIndex:
      return first + (call.argument & (call.width - 1));
    case ShuffleKind::kUp:
      source = lane - call.argument;
      return source < first ? lane : source;
    case ShuffleKind::kDown:
      source = lane + call.argument;
      return source > last ? lane : source;
    case ShuffleKind::kXor:
      source = lane ^ call.argument;
      return source > last ? lane : source;
  }
  return source;
}

// What a lane that does not take part would give is undefined: 0xFF bytes, which are NaN.
void CarryOutShuffle(LaneCall* const* calls, unsigned lanes) {
  for (int lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    const LaneCall& call = *calls[lane];
    const int source = SourceLane(lane, call);
    if (lanes >> source & 1) {
      std::memcpy(call.result, calls[source]->operand, call.bytes);
    } else {
      std::memset(call.result, 0xFF, call.bytes);
    }
  }
}

void CarryOutBallot(LaneCall* const* calls, unsigned lanes) {
  unsigned ballot = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if (lanes >> lane & 1 && calls[lane]->predicate) ballot |= 1u << lane;
  }
  for (int lane = 0; lane < 32; ++lane) {
    if (lanes >> lane & 1) calls[lane]->ballot = ballot;
  }
}

}  // namespace

void Warp::Arrive(int lane, LaneCall* call) {
  if ((call->mask >> lane & 1) == 0) {
    throw Failure(Describe(lane, *call) + ", which does not name the lane");
  }
  if (call->op != WarpOp::kSync && (call->mask & ~existing_) != 0) {
    throw Failure(Describe(lane, *call) + ", which names lanes that the block does not have");
  }
  // Lanes of one mask have been compared with each other; lanes of others are found to wait in vain
  // when nobody can go on.
  if (const unsigned others = arrived_ & call->mask) {
    const int other = std::countr_zero(others);
    const LaneCall& theirs = *calls_[other];
    if ((theirs.mask >> lane & 1) != 0 && !Same(theirs, *call)) {
      throw Failure(Describe(other, theirs) + ", " + Describe(lane, *call));
    }
  }
  calls_[lane] = call;
  arrived_ |= 1u << lane;
}

unsigned Warp::Complete(int lane, WarpOp* op) {
  if ((arrived_ >> lane & 1) == 0) return 0;
  const LaneCall& call = *calls_[lane];
  const unsigned lanes = call.mask & present_;
  if ((lanes & ~arrived_) != 0) return 0;
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    if (!Same(*calls_[std::countr_zero(rest)], call)) return 0;
  }
  *op = call.op;
  if (*op == WarpOp::kShuffle) CarryOutShuffle(calls_, lanes);
  if (*op == WarpOp::kBallot) CarryOutBallot(calls_, lanes);
  arrived_ &= ~lanes;
  return lanes;
}

}  // namespace numeral::emulator
