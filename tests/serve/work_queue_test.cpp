// Work of many threads is done by one.
#include "serve/work_queue.h"

#include <stdexcept>
#include <thread>

#include "tests/catch.h"

namespace numeral {
namespace {

constexpr std::chrono::milliseconds kLong{600'000}, kNow{0};

Answer Said(const std::string& text) { return {200, "", text}; }

}  // namespace

TEST_CASE("work is done where the queue is emptied, and answered where it was given", "[serve]") {
  WorkQueue queue(2);
  queue.DoNext(kNow);
  std::optional<Answer> answer;
  std::thread::id done_by;
  std::thread giver([&] {
    answer = queue.Run([&] {
      done_by = std::this_thread::get_id();
      return Said("done");
    });
  });
  queue.DoNext(kLong);
  giver.join();
  REQUIRE(answer.has_value());
  CHECK(answer->body == "done");
  CHECK(done_by == std::this_thread::get_id());
}

TEST_CASE("what work throws comes to its giver", "[serve]") {
  WorkQueue queue(2);
  bool thrown = false;
  std::thread giver([&] {
    try {
      queue.Run([]() -> Answer { throw std::runtime_error("x"); });
    } catch (const std::runtime_error&) {
      thrown = true;
    }
  });
  queue.DoNext(kLong);
  giver.join();
  CHECK(thrown);
}

TEST_CASE("a closed or full queue takes no work", "[serve]") {
  WorkQueue none(0);
  CHECK_FALSE(none.Run([] { return Said("never"); }).has_value());
  WorkQueue queue(1);
  std::optional<Answer> answer = Said("before");
  std::thread giver([&] { answer = queue.Run([] { return Said("never"); }); });
  // Long enough that it waits there, as a rule; the outcome is the same if it does not yet.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  queue.Close();
  giver.join();
  CHECK_FALSE(answer.has_value());
  CHECK_FALSE(queue.Run([] { return Said("never"); }).has_value());
}

}  // namespace numeral
