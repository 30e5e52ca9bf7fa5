// The threads of the block that runs, as fibers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/emulator/fiber.h"
#include "tests/emulator/kernel.h"
#include "tests/emulator/warp.h"

namespace numeral::emulator {

class Block {
 public:
  // Runs all threads of one block; throws Failure.
  void Run(const KernelRun& run, uint3 index);

  // Called by the running thread; they return when it may go on.
  int Barrier(BarrierKind kind, int predicate, const Place& place);
  void WarpCall(LaneCall* call);
  void WaitForEarlierGrids();
  void LetLaterGridsStart();

  // Ends the block in the midst of the running thread, which is not returned to.
  [[noreturn]] void Abort(const std::string& failure);

 private:
  // A stack on which threads run, one after the other.
  struct Fiber {
    Stack stack;
    Context context;
    Block* block;
    unsigned thread = 0;
  };
  struct Thread {
    Fiber* fiber = nullptr;   // null before it starts
    bool has_waited = false;  // for the kernels in front of this one
    bool at_barrier = false;
    bool ended = false;
  };
  struct BarrierState {
    unsigned arrived = 0;
    BarrierKind kind = BarrierKind::kPlain;
    Place place;
    int count = 0;   // threads with a true predicate
    int result = 0;  // of the barrier that opened last
    std::vector<unsigned> waiting;
  };

  static void FiberMain(void* argument);
  void End(unsigned thread);
  void OpenBarrierIfComplete();
  void ReleaseLanes(unsigned warp, int lane);
  bool Take(unsigned* thread);
  void Resume(Context& from, unsigned thread);
  void GoOn(Fiber* self);
  void MakeCurrent(unsigned thread);
  std::string DescribeWaiting() const;

  const KernelRun* run_ = nullptr;
  unsigned threads_in_block_ = 0, alive_ = 0, current_ = 0;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  BarrierState barrier_;
  std::vector<unsigned> ready_, unstarted_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  Context main_;
  std::string failure_;
};

Block& CurrentBlock();

}  // namespace numeral::emulator
