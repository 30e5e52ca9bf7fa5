// How many threads work on a plan.
#pragma once

#include <omp.h>

#include "plan/plan.h"

namespace numeral {

// As many as OpenMP gives to regions that the calling thread opens: the machine's processors, or
// OMP_NUM_THREADS.
inline int OfferedThreads() { return omp_get_max_threads(); }

// While one lives, regions that the calling thread opens have so many threads.
class ThreadLimit {
 public:
  explicit ThreadLimit(int threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(threads);
  }
  ~ThreadLimit() { omp_set_num_threads(before_); }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};

namespace cpu {

// The threads that pay for a plan, 1 to `most`: the more, the more arithmetic there is to an op of
// its heaviest phase. Depends on nothing but the two.
int ChooseThreads(const Plan& plan, int most);

}  // namespace cpu
}  // namespace numeral
