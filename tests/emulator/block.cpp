#include "tests/emulator/block.h"

#include <bit>
#include <map>

#include "tests/emulator/observer.h"
#include "tests/emulator/random.h"
#include "tests/emulator/shared_memory.h"
#include "tests/emulator/simt.h"

namespace numeral::emulator {
namespace {

const char* Name(BarrierKind kind) {
  switch (kind) {
    case BarrierKind::kPlain:
      return "__syncthreads";
    case BarrierKind::kOr:
      return "__syncthreads_or";
    case BarrierKind::kAnd:
      return "__syncthreads_and";
    case BarrierKind::kCount:
      return "__syncthreads_count";
  }
  return "";
}

uint3 IndexOf(unsigned thread, dim3 block) {
  return {thread % block.x, thread / block.x % block.y, thread / block.x / block.y};
}

}  // namespace

void Block::Run(const KernelRun& run, uint3 index) {
  run_ = &run;
  threads_in_block_ = alive_ = run.block.x * run.block.y * run.block.z;
  threads_.assign(threads_in_block_, Thread{});
  warps_.assign((threads_in_block_ + 31) / 32, Warp{});
  for (unsigned warp = 0; warp < warps_.size(); ++warp) {
    const unsigned lanes = std::min(32u, threads_in_block_ - warp * 32);
    warps_[warp].Begin(lanes == 32 ? 0xFFFFFFFFu : (1u << lanes) - 1);
  }
  barrier_ = BarrierState{};
  ready_.clear();
  unstarted_.resize(threads_in_block_);
  for (unsigned thread = 0; thread < threads_in_block_; ++thread) unstarted_[thread] = thread;
  Schedule().Shuffle(unstarted_.data(), threads_in_block_);
  failure_.clear();
  blockIdx = index;
  blockDim = run.block;
  gridDim = run.grid;
  Shared().BeginBlock(run.dynamic_bytes);
  if (observer != nullptr) {
    observer->BeginBlock(index.x + run.grid.x * (index.y + run.grid.y * index.z));
  }

  unsigned first = 0;
  Take(&first);
  Resume(main_, first);
  if (failure_.empty() && alive_ > 0) failure_ = "deadlock: " + DescribeWaiting();
  if (!failure_.empty()) {
    fibers_.clear();  // they stopped midway
    idle_.clear();
    throw Failure(failure_);
  }
  Shared().CheckEnds();
}

// One of the threads that could run now, at random.
bool Block::Take(unsigned* thread) {
  const auto ready = static_cast<uint32_t>(ready_.size());
  const auto total = ready + static_cast<uint32_t>(unstarted_.size());
  if (total == 0) return false;
  const uint32_t pick = ready == 0 ? 0 : Schedule().Below(total);
  if (pick < ready) {
    *thread = ready_[pick];
    ready_[pick] = ready_.back();
    ready_.pop_back();
  } else {
    *thread = unstarted_.back();
    unstarted_.pop_back();
  }
  return true;
}

void Block::MakeCurrent(unsigned thread) {
  current_ = thread;
  threadIdx = IndexOf(thread, run_->block);
  if (observer != nullptr) {
    observer->BeginThread(thread, threads_[thread].fiber->stack.data(), Stack::kBytes);
  }
}

// Switches to the thread's fiber, or to a free one that starts it.
void Block::Resume(Context& from, unsigned thread) {
  Fiber* fiber = threads_[thread].fiber;
  if (fiber == nullptr) {
    if (idle_.empty()) {
      fibers_.push_back(std::make_unique<Fiber>());
      Fiber* fresh = fibers_.back().get();
      fresh->block = this;
      fresh->context.Prepare(fresh->stack.data(), Stack::kBytes, &FiberMain, fresh);
      idle_.push_back(fresh);
    }
    fiber = idle_.back();
    idle_.pop_back();
    fiber->thread = thread;
  }
  Context::Switch(from, fiber->context);
}

// Runs threads to their ends, as long as some have not started; then makes room for the others.
void Block::FiberMain(void* argument) {
  Fiber& self = *static_cast<Fiber*>(argument);
  Block& block = *self.block;
  for (;;) {
    block.threads_[self.thread].fiber = &self;
    block.MakeCurrent(self.thread);
    try {
      block.run_->thread();
      block.End(self.thread);
    } catch (const std::exception& error) {
      block.failure_ = error.what();
    }
    unsigned next = 0;
    if (!block.failure_.empty() || !block.Take(&next)) {
      block.idle_.push_back(&self);
      Context::Switch(self.context, block.main_);
    } else if (block.threads_[next].fiber == nullptr) {
      self.thread = next;
    } else {
      block.idle_.push_back(&self);
      block.Resume(self.context, next);
    }
  }
}

// The running thread waits; others go on until it may.
void Block::GoOn(Fiber* self) {
  const unsigned thread = self->thread;
  unsigned next = 0;
  if (!Take(&next)) {
    Context::Switch(self->context, main_);  // a deadlock: it never returns
  } else if (next != thread) {
    Resume(self->context, next);
  }
  MakeCurrent(thread);
}

// Nothing runs here before it has waited, so there is nothing to wait for.
void Block::WaitForEarlierGrids() {
  threads_[current_].has_waited = true;
  if (observer != nullptr) observer->WaitForEarlierGrids();
}

void Block::LetLaterGridsStart() {
  if (threads_[current_].has_waited) return;
  throw Failure("thread " + ToString(threadIdx) +
                " lets later kernels start before it has waited for earlier ones");
}

void Block::End(unsigned thread) {
  if (!threads_[thread].has_waited) {
    throw Failure("thread " + ToString(threadIdx) + " ends without WaitForEarlierKernels()");
  }
  threads_[thread].ended = true;
  --alive_;
  const unsigned warp = thread / 32;
  warps_[warp].Exit(static_cast<int>(thread % 32));
  for (unsigned rest = warps_[warp].arrived(); rest != 0; rest &= rest - 1) {
    ReleaseLanes(warp, std::countr_zero(rest));
  }
  OpenBarrierIfComplete();
}

int Block::Barrier(BarrierKind kind, int predicate, const Place& place) {
  const unsigned thread = current_;
  if (barrier_.arrived > 0 && (barrier_.kind != kind || !(barrier_.place == place))) {
    throw Failure(
        "divergent barriers: thread " + ToString(IndexOf(barrier_.waiting.front(), run_->block)) +
        " is at " + Name(barrier_.kind) + " at " + ToString(barrier_.place) + ", thread " +
        ToString(IndexOf(thread, run_->block)) + " at " + Name(kind) + " at " + ToString(place));
  }
  barrier_.kind = kind;
  barrier_.place = place;
  barrier_.count += predicate != 0;
  ++barrier_.arrived;
  barrier_.waiting.push_back(thread);
  threads_[thread].at_barrier = true;
  OpenBarrierIfComplete();
  GoOn(threads_[thread].fiber);
  return barrier_.result;
}

void Block::OpenBarrierIfComplete() {
  if (barrier_.arrived == 0 || barrier_.arrived < alive_) return;
  switch (barrier_.kind) {
    case BarrierKind::kPlain:
    case BarrierKind::kCount:
      barrier_.result = barrier_.count;
      break;
    case BarrierKind::kOr:
      barrier_.result = barrier_.count > 0;
      break;
    case BarrierKind::kAnd:
      barrier_.result = barrier_.count == static_cast<int>(barrier_.arrived);
      break;
  }
  if (observer != nullptr) observer->OpenBarrier();
  for (const unsigned thread : barrier_.waiting) {
    threads_[thread].at_barrier = false;
    ready_.push_back(thread);
  }
  barrier_.waiting.clear();
  barrier_.arrived = 0;
  barrier_.count = 0;
}

void Block::WarpCall(LaneCall* call) {
  const unsigned thread = current_;
  const int lane = static_cast<int>(thread % 32);
  warps_[thread / 32].Arrive(lane, call);
  ReleaseLanes(thread / 32, lane);
  GoOn(threads_[thread].fiber);
}

// Lets the lanes go on whose operation the lane's arrival completes.
void Block::ReleaseLanes(unsigned warp, int lane) {
  WarpOp op;
  const unsigned lanes = warps_[warp].Complete(lane, &op);
  // Other warp operations exchange values, but promise no order of the lanes' memory accesses.
  if (observer != nullptr && lanes != 0 && op == WarpOp::kSync) observer->SyncLanes(warp, lanes);
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    ready_.push_back(warp * 32 + static_cast<unsigned>(std::countr_zero(rest)));
  }
}

std::string Block::DescribeWaiting() const {
  std::map<std::string, std::vector<unsigned>> waiting;
  for (unsigned thread = 0; thread < threads_in_block_; ++thread) {
    const LaneCall* call = warps_[thread / 32].waiting(static_cast<int>(thread % 32));
    if (threads_[thread].at_barrier) {
      waiting[std::string(Name(barrier_.kind)) + " at " + ToString(barrier_.place)].push_back(
          thread);
    } else if (call != nullptr) {
      waiting["a warp operation at " + ToString(call->place)].push_back(thread);
    }
  }
  std::string text;
  for (const auto& [place, threads] : waiting) {
    text += (text.empty() ? "" : "; ") + std::to_string(threads.size()) + " threads, thread " +
            ToString(IndexOf(threads.front(), run_->block)) + " first, wait in " + place;
  }
  return text + "; " + std::to_string(threads_in_block_ - alive_) + " have ended";
}

void Block::Abort(const std::string& failure) {
  failure_ = failure;
  Context::Switch(threads_[current_].fiber->context, main_);
  __builtin_unreachable();
}

void AbortKernel(const std::string& failure) { CurrentBlock().Abort(failure); }

Block& CurrentBlock() {
  static Block block;
  return block;
}

int Barrier(BarrierKind kind, int predicate, const char* file, int line) {
  return CurrentBlock().Barrier(kind, predicate, {file, line});
}

void Shuffle(ShuffleKind kind, unsigned mask, const void* operand, void* result, size_t bytes,
             int argument, int width, const char* file, int line) {
  LaneCall call{.op = WarpOp::kShuffle, .mask = mask, .place = {file, line}};
  call.operand = operand;
  call.result = result;
  call.bytes = bytes;
  call.shuffle = kind;
  call.argument = argument;
  call.width = width;
  CurrentBlock().WarpCall(&call);
}

unsigned Ballot(unsigned mask, bool predicate, const char* file, int line) {
  LaneCall call{.op = WarpOp::kBallot, .mask = mask, .place = {file, line}};
  call.predicate = predicate;
  CurrentBlock().WarpCall(&call);
  return call.ballot;
}

void SyncWarp(unsigned mask, const char* file, int line) {
  LaneCall call{.op = WarpOp::kSync, .mask = mask, .place = {file, line}};
  CurrentBlock().WarpCall(&call);
}

void WaitForEarlierGrids() { CurrentBlock().WaitForEarlierGrids(); }
void LetLaterGridsStart() { CurrentBlock().LetLaterGridsStart(); }

void Fence() {
  if (observer != nullptr) observer->Fence();
}

void AtomicAccess(const void* address, size_t bytes) {
  if (observer != nullptr) observer->Atomic(address, bytes);
}

}  // namespace numeral::emulator
