#include "util/interrupt.h"

#include <signal.h>

#include <atomic>

namespace numeral {
namespace {

// The handler may run on another thread than the loop that asks.
std::atomic<bool> g_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);
struct sigaction g_previous_int, g_previous_term;
std::atomic<int> g_guards = 0;

// The second signal, of either kind, finds the default action.
void Request(int) {
  g_requested = true;
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (g_guards++ > 0) return;
  g_requested = false;
  struct sigaction action {};
  action.sa_handler = Request;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &g_previous_int);
  sigaction(SIGTERM, &action, &g_previous_term);
}

InterruptGuard::~InterruptGuard() {
  if (--g_guards > 0) return;
  sigaction(SIGINT, &g_previous_int, nullptr);
  sigaction(SIGTERM, &g_previous_term, nullptr);
}

bool InterruptGuard::Requested() const { return g_requested; }

}  // namespace numeral
