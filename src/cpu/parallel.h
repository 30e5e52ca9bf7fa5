// How the OpenMP loops of the CPU engine share out work.
//
// Every kernel opens one parallel region, and only where the work pays for its barrier. What a
// thread gets depends on sizes and thread count alone. No result depends on the thread count: loops
// that write elements are independent of each other, and reductions go over tiles that are cut by
// sizes (column_tiles.h).
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace numeral::cpu {

// Below this many floats touched, waking the team costs more than it saves.
inline constexpr int64_t kParallelElems = 32768;
inline bool PaysForThreads(int64_t elems) { return elems >= kParallelElems; }

struct Range {
  int64_t begin, end;
};

// The calling thread's part of 0 .. count-1, with borders at multiples of `grain`. Inside a
// parallel region; outside of one it is everything.
inline Range ThreadShare(int64_t count, int64_t grain) {
  const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
  const int64_t grains = (count + grain - 1) / grain;
  return {std::min(count, grains * thread / threads * grain),
          std::min(count, grains * (thread + 1) / threads * grain)};
}

// body(begin, end) on every thread's share of 0 .. count-1; `elems` is the work in floats touched.
template <typename Body>
void ParallelRanges(int64_t count, int64_t grain, int64_t elems, const Body& body) {
#pragma omp parallel if (PaysForThreads(elems))
  {
    const Range share = ThreadShare(count, grain);
    if (share.begin < share.end) body(share.begin, share.end);
  }
}

}  // namespace numeral::cpu
