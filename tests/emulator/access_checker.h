// Finds accesses of a kernel that other threads' accesses may overtake: what NVIDIA's racecheck and
// initcheck look for, in shared and in global memory.
//
// For every two bytes of the device's and the block's shared memory it remembers the last write and
// two reads: by whom, and when on the clocks that barriers, __syncwarp and atomics set. An access
// that is not ordered after a conflicting one ends the kernel with both places in the source.
// Blocks are ordered by "release and acquire" alone: writes, __threadfence(), an atomic operation;
// in the other block an atomic operation on the same address. Reads of shared memory that its block
// has not written are found too, and accesses to global memory by threads that have not waited for
// the kernels in front of theirs.
//
// Fed by the calls that -fsanitize=thread puts in front of accesses (tsan_hooks.cpp) and by the
// emulator's Observer.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tests/emulator/observer.h"

namespace numeral::emulator {

class AccessChecker : public Observer {
 public:
  enum class Kind : uint8_t { kRead, kWrite, kAtomic };

  AccessChecker();

  void BeginLaunch(uint3 grid, unsigned threads_per_block) override;
  void BeginBlock(unsigned block) override;
  void BeginThread(unsigned thread, const std::byte* stack, size_t stack_bytes) override;
  void EndLaunch() override { running_ = false; }
  void WaitForEarlierGrids() override { has_waited_[thread_] = true; }
  void OpenBarrier() override;
  void SyncLanes(unsigned warp, unsigned lanes) override;
  void Fence() override;
  void Atomic(const void* address, size_t bytes) override;
  void Allocated(const void* address, size_t bytes) override;
  void Freed(const void* address, size_t bytes) override;

  void Access(Kind kind, const void* address, size_t bytes, const void* code);

 private:
  static constexpr size_t kGranule = 2, kPageBytes = 4096, kGranules = kPageBytes / kGranule;

  // One access. `launch` 0: none.
  struct Record {
    uint32_t launch = 0, block = 0;
    uint16_t thread = 0, epoch = 0;  // barriers passed
    uint16_t fences = 0;             // by the thread, before the access
    uint8_t bytes = 0;               // a bit for each of the granule's
    Kind kind = Kind::kRead;
    uint32_t clock = 0;  // the lane's
    uint32_t code = 0;   // offset in the program
  };
  struct Cell {
    Record write, reads[2];
  };
  struct Page {
    Cell cells[kGranules];
  };
  // What a thread made visible by an atomic operation.
  struct Release {
    uint32_t block;
    uint16_t thread, epoch, fences;
    bool fenced_in_epoch;
  };
  struct Acquisition {
    Release release;
    uint16_t thread, epoch;  // of the block that runs
  };

  Page* FindPage(const void* address);
  void Check(Cell* cell, Record now, const std::byte* address, bool shared);
  bool OrderedBefore(const Record& earlier, const Record& now, bool shared) const;
  bool OrderedInBlock(const Record& earlier, const Record& now) const;
  bool Acquired(const Record& earlier, const Record& now) const;
  static void Remember(Cell* cell, const Record& now);
  std::string Describe(const Record& record) const;
  [[noreturn]] void ReportRace(const Record& earlier, const Record& now, bool shared) const;

  bool running_ = false;
  bool fenced_ = false;  // some thread of the launch has called __threadfence()
  uint32_t launch_ = 0, block_ = 0;
  uint16_t thread_ = 0, epoch_ = 0;
  unsigned threads_ = 0;
  uint3 grid_{};
  const std::byte *stack_ = nullptr, *stack_end_ = nullptr;

  std::vector<bool> has_waited_;  // by thread
  // clocks_[thread][lane]: how much of the lane of its own warp the thread knows to have happened.
  std::vector<std::array<uint32_t, 32>> clocks_;
  std::vector<std::vector<uint16_t>> fence_epochs_;  // of [block * threads_ + thread]
  std::unordered_map<const void*, std::vector<Release>> releases_;
  std::unordered_map<uint32_t, std::vector<Acquisition>> acquired_;  // by the other block

  std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages_;
  struct CachedPage {
    uintptr_t number = 0;
    Page* page = nullptr;
  };
  CachedPage cache_[64];
};

AccessChecker& TheAccessChecker();

}  // namespace numeral::emulator
