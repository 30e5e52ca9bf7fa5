// cuda/support/async_copy.h for the emulator: a copy takes place when it is waited for, as late as
// it may be, and until then its target holds NaN.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/support/vector.h"

namespace numeral::cuda {

class AsyncCopies {
 public:
  template <int kBytes>
  void Copy(void* shared, const void* global) {
    using Words = Pack<uint32_t, kBytes / 4>;
    auto* to = static_cast<Words*>(shared);
    for (uint32_t& word : to->at) word = 0xFFFFFFFF;
    pending_.push_back({groups_,
                        [](void* target, const void* source) {
                          *static_cast<Words*>(target) = *static_cast<const Words*>(source);
                        },
                        shared, global});
  }
  void Commit() { ++groups_; }
  template <int kPending>
  void Wait() {
    size_t done = 0;
    for (; done < pending_.size() && pending_[done].group < groups_ - kPending; ++done) {
      pending_[done].copy(pending_[done].shared, pending_[done].global);
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<int64_t>(done));
  }

 private:
  struct Pending {
    int group;
    void (*copy)(void*, const void*);
    void* shared;
    const void* global;
  };
  int groups_ = 0;
  std::vector<Pending> pending_;
};

}  // namespace numeral::cuda
