// OpenMP's threads as one thread of the program sees them. For the folders that link OpenMP.
#pragma once

#include <omp.h>

namespace numeral {

// As many as a region that the calling thread opens has: the machine's cores, or OMP_NUM_THREADS.
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

}  // namespace numeral
