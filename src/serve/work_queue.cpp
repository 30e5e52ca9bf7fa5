#include "serve/work_queue.h"

#include <utility>

namespace numeral {

std::optional<Answer> WorkQueue::Run(std::function<Answer()> work) {
  std::packaged_task<Answer()> task(std::move(work));
  std::future<Answer> answer = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || waiting_.size() >= most_waiting_) return std::nullopt;
    waiting_.push_back(std::move(task));
  }
  came_.notify_one();
  try {
    return answer.get();
  } catch (const std::future_error&) {  // thrown away by Close
    return std::nullopt;
  }
}

void WorkQueue::DoNext(std::chrono::milliseconds patience) {
  std::packaged_task<Answer()> task;
  {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, patience, [&] { return !waiting_.empty(); })) return;
    task = std::move(waiting_.front());
    waiting_.pop_front();
  }
  task();
}

void WorkQueue::Close() {
  std::deque<std::packaged_task<Answer()>> dropped;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(waiting_);
}

}  // namespace numeral
