#include "util/interrupt.h"

#include <signal.h>

#include "tests/catch.h"

namespace numeral {
namespace {

void Nothing(int) {}

auto HandlerOf(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

}  // namespace

TEST_CASE("a signal is a request while a guard lives", "[interrupt]") {
  for (const int number : {SIGINT, SIGTERM}) {
    const auto before = signal(number, Nothing);
    {
      const InterruptGuard guard;
      CHECK_FALSE(guard.Requested());
      raise(number);
      CHECK(guard.Requested());
      CHECK(HandlerOf(number) == SIG_DFL);  // the next one ends the process
    }
    CHECK(HandlerOf(number) == Nothing);
    const InterruptGuard next;
    CHECK_FALSE(next.Requested());
    signal(number, before);
  }
}

TEST_CASE("a guard within another forgets no signal", "[interrupt]") {
  const auto before = signal(SIGTERM, Nothing);
  {
    const InterruptGuard outer;
    raise(SIGTERM);
    {
      const InterruptGuard inner;
      CHECK(inner.Requested());
      CHECK(HandlerOf(SIGTERM) == SIG_DFL);
    }
    CHECK(outer.Requested());
    CHECK(HandlerOf(SIGTERM) == SIG_DFL);
  }
  CHECK(HandlerOf(SIGTERM) == Nothing);
  signal(SIGTERM, before);
}

}  // namespace numeral
