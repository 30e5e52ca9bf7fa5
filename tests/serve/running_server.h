// Serve in a thread of its own, and sources made for it.
#pragma once

#include <httplib.h>

#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "serve/server.h"

namespace numeral {

// Ends with the test, by the signal that a user would send.
class RunningServer {
 public:
  explicit RunningServer(std::unique_ptr<DigitSource> source, ServeOptions options = {}) {
    options.port = 0;
    std::promise<std::string> said;
    std::future<std::string> saying = said.get_future();
    thread_ = std::thread([this, &said, options, source = std::move(source)]() mutable {
      Serve(std::move(source), options, [&](const std::string& text) { said.set_value(text); });
      ended_ = true;
    });
    said_ = saying.get();
    port_ = std::stoi(said_.substr(said_.find("127.0.0.1:") + 10));
  }
  ~RunningServer() { End(SIGTERM); }

  void End(int signal) {
    if (!thread_.joinable()) return;
    std::raise(signal);
    thread_.join();
  }

  bool ended() const { return ended_; }
  int port() const { return port_; }
  const std::string& said() const { return said_; }
  std::thread::id thread() const { return thread_.get_id(); }

  // A client that waits as long as it takes.
  httplib::Client Client() const {
    httplib::Client client("127.0.0.1", port_);
    client.set_read_timeout(600);
    return client;
  }

  httplib::Response Get(const std::string& path, const httplib::Headers& headers = {}) const {
    return Taken(Client().Get(path, headers));
  }
  httplib::Response Post(const std::string& path, const std::string& body,
                         const httplib::Headers& headers = {}) const {
    return Taken(Client().Post(path, headers, body, "application/json"));
  }

 private:
  static httplib::Response Taken(const httplib::Result& result) {
    if (!result) throw std::runtime_error("no answer: " + httplib::to_string(result.error()));
    return *result;
  }

  std::thread thread_;
  std::atomic<bool> ended_ = false;
  std::string said_;
  int port_ = 0;
};

}  // namespace numeral
