#include "util/interrupt.h"

#include <signal.h>

namespace numeral {
namespace {

volatile sig_atomic_t g_requested = 0;
struct sigaction g_previous_int, g_previous_term;

// The second signal, of either kind, finds the default action.
void Request(int) {
  g_requested = 1;
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  g_requested = 0;
  struct sigaction action {};
  action.sa_handler = Request;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &g_previous_int);
  sigaction(SIGTERM, &action, &g_previous_term);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &g_previous_int, nullptr);
  sigaction(SIGTERM, &g_previous_term, nullptr);
}

bool InterruptGuard::Requested() const { return g_requested != 0; }

}  // namespace numeral
