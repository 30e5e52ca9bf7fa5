#include "tests/emulator/access_checker.h"

#include <algorithm>

#include "tests/emulator/block.h"
#include "tests/emulator/code_location.h"
#include "tests/emulator/shared_memory.h"

namespace numeral::emulator {

AccessChecker& TheAccessChecker() {
  static AccessChecker checker;
  return checker;
}

AccessChecker::AccessChecker() {
  observer = this;
  Allocated(Shared().begin(), static_cast<size_t>(Shared().end() - Shared().begin()));
}

void AccessChecker::BeginLaunch(uint3 grid, unsigned threads_per_block) {
  running_ = true;
  ++launch_;
  grid_ = grid;
  threads_ = threads_per_block;
  fence_epochs_.assign(size_t{grid.x} * grid.y * grid.z * threads_, {});
  releases_.clear();
  fenced_ = false;
}

void AccessChecker::BeginBlock(unsigned block) {
  block_ = block;
  epoch_ = 0;
  std::array<uint32_t, 32> start{};
  clocks_.assign(threads_, start);
  for (unsigned thread = 0; thread < threads_; ++thread) clocks_[thread][thread % 32] = 1;
  acquired_.clear();
  has_waited_.assign(threads_, false);
}

void AccessChecker::BeginThread(unsigned thread, const std::byte* stack, size_t stack_bytes) {
  thread_ = static_cast<uint16_t>(thread);
  stack_ = stack;
  stack_end_ = stack + stack_bytes;
}

void AccessChecker::OpenBarrier() { ++epoch_; }

// The lanes tell each other all they know, and begin a new time of their own.
void AccessChecker::SyncLanes(unsigned warp, unsigned lanes) {
  std::array<uint32_t, 32> joined{};
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    for (unsigned i = 0; i < 32; ++i) {
      joined[i] = std::max(joined[i], clocks_[warp * 32 + lane][i]);
    }
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    clocks_[warp * 32 + lane] = joined;
    ++clocks_[warp * 32 + lane][lane];
  }
}

void AccessChecker::Fence() {
  if (!running_) return;
  fence_epochs_[size_t{block_} * threads_ + thread_].push_back(epoch_);
  fenced_ = true;
}

void AccessChecker::Atomic(const void* address, size_t bytes) {
  if (!running_) return;
  if (fenced_) {
    for (const Release& release : releases_[address]) {
      if (release.block != block_) {
        acquired_[release.block].push_back({release, thread_, epoch_});
      }
    }
  }
  Access(Kind::kAtomic, address, bytes, nullptr);
  if (!fenced_) return;  // no block can make anything visible to another
  const std::vector<uint16_t>& fences = fence_epochs_[size_t{block_} * threads_ + thread_];
  releases_[address].push_back({block_, thread_, epoch_, static_cast<uint16_t>(fences.size()),
                                !fences.empty() && fences.back() == epoch_});
}

void AccessChecker::Allocated(const void* address, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(address);
  for (uintptr_t page = begin / kPageBytes; page <= (begin + bytes - 1) / kPageBytes; ++page) {
    pages_.try_emplace(page);  // its cells are made when they are used
  }
  std::fill(std::begin(cache_), std::end(cache_), CachedPage{});
}

void AccessChecker::Freed(const void* address, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(address);
  for (uintptr_t page = begin / kPageBytes; page <= (begin + bytes - 1) / kPageBytes; ++page) {
    pages_.erase(page);
  }
  std::fill(std::begin(cache_), std::end(cache_), CachedPage{});
}

// Null for memory that is not watched.
AccessChecker::Page* AccessChecker::FindPage(const void* address) {
  const uintptr_t number = reinterpret_cast<uintptr_t>(address) / kPageBytes;
  CachedPage& cached = cache_[number % std::size(cache_)];
  if (cached.number == number) return cached.page;
  const auto found = pages_.find(number);
  if (found != pages_.end() && found->second == nullptr) found->second = std::make_unique<Page>();
  cached = {number, found == pages_.end() ? nullptr : found->second.get()};
  return cached.page;
}

void AccessChecker::Access(Kind kind, const void* address, size_t bytes, const void* code) {
  if (!running_) return;
  const auto* first = static_cast<const std::byte*>(address);
  if (first >= stack_ && first < stack_end_) return;
  const bool shared = first >= Shared().begin() && first < Shared().end();
  Record now{launch_, block_, thread_, epoch_};
  now.fences = static_cast<uint16_t>(fence_epochs_[size_t{block_} * threads_ + thread_].size());
  now.kind = kind;
  now.clock = clocks_[thread_][thread_ % 32];
  now.code = CodeOffset(code);
  for (size_t done = 0; done < bytes;) {
    const std::byte* at = first + done;
    Page* page = FindPage(at);
    const uintptr_t offset = reinterpret_cast<uintptr_t>(at) % kPageBytes;
    const size_t within = offset % kGranule;
    const size_t count = std::min(kGranule - within, bytes - done);
    now.bytes = static_cast<uint8_t>(((1u << count) - 1) << within);
    if (page != nullptr && !shared && !has_waited_[thread_]) {
      AbortKernel("global memory before WaitForEarlierKernels(): " + Describe(now));
    }
    if (page != nullptr) Check(&page->cells[offset / kGranule], now, at, shared);
    done += count;
  }
}

void AccessChecker::Check(Cell* cell, Record now, const std::byte* address, bool shared) {
  const auto conflicts = [&](const Record& earlier) {
    const bool same_bytes = (earlier.bytes & now.bytes) != 0;
    const bool one_changes = earlier.kind != Kind::kRead || now.kind != Kind::kRead;
    const bool both_atomic = earlier.kind == Kind::kAtomic && now.kind == Kind::kAtomic;
    return earlier.launch == now.launch && same_bytes && one_changes && !both_atomic &&
           !OrderedBefore(earlier, now, shared);
  };
  if (conflicts(cell->write)) ReportRace(cell->write, now, shared);
  if (now.kind != Kind::kRead) {
    for (const Record& read : cell->reads) {
      if (conflicts(read)) ReportRace(read, now, shared);
    }
  }
  // A compiler may store what a function returns without a call for the checker: what does not look
  // as it did at first has been written.
  const bool written = cell->write.launch == now.launch && cell->write.block == now.block;
  if (shared && now.kind != Kind::kWrite && !written && *address == std::byte{0xFF}) {
    AbortKernel("read of shared memory that the block has not written: " + Describe(now) +
                ", byte " + std::to_string(address - Shared().begin()));
  }
  Remember(cell, now);
}

// The last write, and the last reads of two threads.
void AccessChecker::Remember(Cell* cell, const Record& now) {
  if (now.kind != Kind::kRead) {
    cell->write = now;
    return;
  }
  Record& last = cell->reads[0];
  if (last.launch == now.launch && (last.thread != now.thread || last.block != now.block)) {
    cell->reads[1] = last;
  }
  last = now;
}

bool AccessChecker::OrderedBefore(const Record& earlier, const Record& now, bool shared) const {
  if (earlier.block == now.block) return OrderedInBlock(earlier, now);
  return shared || Acquired(earlier, now);  // blocks have shared memory of their own
}

bool AccessChecker::OrderedInBlock(const Record& earlier, const Record& now) const {
  if (earlier.thread == now.thread || earlier.epoch < now.epoch) return true;
  if (earlier.thread / 32 != now.thread / 32) return false;
  return clocks_[now.thread][earlier.thread % 32] >= earlier.clock;
}

bool AccessChecker::Acquired(const Record& earlier, const Record& now) const {
  const auto found = acquired_.find(earlier.block);
  if (found == acquired_.end()) return false;
  const std::vector<uint16_t>& fences =
      fence_epochs_[size_t{earlier.block} * threads_ + earlier.thread];
  for (const Acquisition& acquisition : found->second) {
    const bool reached_us = acquisition.thread == now.thread || acquisition.epoch < now.epoch;
    if (!reached_us) continue;
    const Release& release = acquisition.release;
    if (earlier.kind == Kind::kAtomic && release.epoch >= earlier.epoch) return true;
    // The thread's own accesses, before its fence.
    if (release.thread == earlier.thread && release.fences > earlier.fences) return true;
    if (earlier.epoch >= release.epoch) continue;
    // Others' accesses before a barrier: fenced by them before it, or by the releasing thread
    // after.
    const bool fenced_itself =
        fences.size() > earlier.fences && fences[earlier.fences] < release.epoch;
    if (fenced_itself || release.fenced_in_epoch) return true;
  }
  return false;
}

std::string AccessChecker::Describe(const Record& record) const {
  const char* const verb = record.kind == Kind::kRead    ? "reads"
                           : record.kind == Kind::kWrite ? "writes"
                                                         : "changes by an atomic operation";
  const uint3 block = {record.block % grid_.x, record.block / grid_.x % grid_.y,
                       record.block / grid_.x / grid_.y};
  std::string text =
      "thread " + std::to_string(record.thread) + " of block " + ToString(block) + " " + verb;
  if (record.code != 0) text += " at " + CodeLocation(record.code);
  return text + " after " + std::to_string(record.epoch) + " barriers";
}

void AccessChecker::ReportRace(const Record& earlier, const Record& now, bool shared) const {
  AbortKernel(std::string("race in ") + (shared ? "shared" : "global") +
              " memory: " + Describe(earlier) + "; " + Describe(now));
}

}  // namespace numeral::emulator
