// What the kernels' half of the emulator (simt.h) asks of the running half.
#pragma once

#include <cstddef>

namespace numeral::emulator {

// A shared variable in a kernel's source, one per instantiation of a template.
struct SharedSite {
  unsigned long long block_serial = 0;  // of the block that `address` belongs to
  void* address = nullptr;
};
void* SharedVariable(SharedSite* site, size_t bytes, size_t alignment);
void* DynamicSharedMemory();

enum class BarrierKind { kPlain, kOr, kAnd, kCount };
int Barrier(BarrierKind kind, int predicate, const char* file, int line);

enum class ShuffleKind { kIndex, kUp, kDown, kXor };
// `result` gets the operand of the lane that kind, argument and width select.
void Shuffle(ShuffleKind kind, unsigned mask, const void* operand, void* result, size_t bytes,
             int argument, int width, const char* file, int line);
// The bits of the lanes in `mask` whose predicate holds.
unsigned Ballot(unsigned mask, bool predicate, const char* file, int line);
void SyncWarp(unsigned mask, const char* file, int line);

void WaitForEarlierGrids();
void LetLaterGridsStart();

void Fence();
// Called by every atomic operation, before it.
void AtomicAccess(const void* address, size_t bytes);

}  // namespace numeral::emulator
