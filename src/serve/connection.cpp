#include "serve/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "serve/web_server.h"

namespace numeral {
namespace {

// A body in chunks is a little longer than the body, and may be too long; its headers are short.
constexpr size_t kMostBytes = 4 * kLongestBody;

}  // namespace

Connection::Connection(int socket, std::chrono::milliseconds patience)
    : socket_(socket), patience_(patience), read_deadline_(Clock::now() + patience) {}

bool Connection::Wait(short event, Clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd waited{socket_, event, 0};
    const int ready = poll(&waited, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool Connection::is_readable() const { return Wait(POLLIN, read_deadline_); }

bool Connection::is_writable() const {
  return Wait(POLLOUT, write_deadline_.value_or(Clock::now() + patience_));
}

bool Connection::Fill() {
  if (bytes_read_ >= kMostBytes || !is_readable()) return false;
  const ssize_t got = recv(socket_, buffer_.data(), buffer_.size(), 0);
  if (got <= 0) return false;
  next_ = 0;
  end_ = static_cast<size_t>(got);
  bytes_read_ += end_;
  return true;
}

ssize_t Connection::read(char* to, size_t size) {
  if (next_ == end_ && !Fill()) return -1;
  const size_t some = std::min(size, end_ - next_);
  std::memcpy(to, buffer_.data() + next_, some);
  next_ += some;
  return static_cast<ssize_t>(some);
}

ssize_t Connection::write(const char* from, size_t size) {
  if (!write_deadline_) write_deadline_ = Clock::now() + patience_;
  if (!is_writable()) return -1;
  return send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = "127.0.0.1";
  port = 0;  // nobody asks
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  get_remote_ip_and_port(ip, port);
}

void Connection::Finish() {
  shutdown(socket_, SHUT_WR);
  while (Fill()) {
  }
}

}  // namespace numeral
