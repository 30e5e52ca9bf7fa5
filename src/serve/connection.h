// One connection to a client, as the HTTP library reads and writes it, with an end to patience.
//
// The library's own streams wait anew for every byte. Here all of a request must arrive before one
// deadline, all of its answer must be taken before another, and no more bytes are read than any
// request has. Internal to web_server.cpp.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <optional>

namespace numeral {

class Connection : public httplib::Stream {
 public:
  // Does not own the socket.
  Connection(int socket, std::chrono::milliseconds patience);

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  int socket() const override { return socket_; }

  // After the answer: reads what the client still sends, because closing before would take the
  // answer away from it.
  void Finish();

 private:
  using Clock = std::chrono::steady_clock;
  bool Wait(short event, Clock::time_point deadline) const;
  bool Fill();

  const int socket_;
  const std::chrono::milliseconds patience_;
  const Clock::time_point read_deadline_;
  std::optional<Clock::time_point> write_deadline_;  // since the first byte of the answer
  std::array<char, 4096> buffer_;
  size_t next_ = 0, end_ = 0;
  size_t bytes_read_ = 0;
};

}  // namespace numeral
