// The threads that connections run on.
//
// In place of the HTTP library's own, which in later versions asks for OpenSSL although nothing
// here is encrypted. Internal to web_server.cpp.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace numeral {

class Threads : public httplib::TaskQueue {
 public:
  explicit Threads(size_t count) {
    while (threads_.size() < count) threads_.emplace_back([this] { Work(); });
  }

  // Later versions of the library ask whether there was room, which there always is.
  using Taken = decltype(std::declval<httplib::TaskQueue&>().enqueue({}));
  Taken enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    came_.notify_one();
    return static_cast<Taken>(true);
  }

  // Returns when all tasks are done.
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    came_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Work() {
    for (std::unique_lock lock(mutex_);;) {
      came_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> tasks_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace numeral
