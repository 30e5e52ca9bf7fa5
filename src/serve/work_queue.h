// Work from many threads that one thread does, one piece after the other.
//
// A digit source is for one thread, and its OpenMP team belongs to that thread. Owns the line of
// those who wait; refuses to let it grow. Called by the server: its connections give work, the
// thread that called Serve does it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>

#include "serve/answer.h"

namespace numeral {

class WorkQueue {
 public:
  explicit WorkQueue(size_t most_waiting) : most_waiting_(most_waiting) {}

  // From any thread: waits until the work is done. Nothing where too many wait already, or the
  // queue closes before its turn. What the work throws is thrown here.
  std::optional<Answer> Run(std::function<Answer()> work);

  // From the one thread: does the next piece of work, if it comes within `patience`.
  void DoNext(std::chrono::milliseconds patience);
  // Nobody waits any more, and nobody will.
  void Close();

 private:
  const size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::packaged_task<Answer()>> waiting_;
  bool closed_ = false;
};

}  // namespace numeral
