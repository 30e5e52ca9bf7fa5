// SIGINT and SIGTERM as a request that loops ask about between steps.
#pragma once

namespace numeral {

// While one lives, the first signal sets a flag; a second one ends the process at once, as it would
// have without us. The previous handlers return with the destructor. A guard within the life of
// another is the same guard: it forgets no signal. That other one apart, guards may live on any
// thread.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool Requested() const;
};

}  // namespace numeral
