// HTTP on 127.0.0.1, for the pages of this server and for nobody whom another site sent.
//
// Owns: sockets, threads, deadlines, headers, and who may ask. Refuses, with a status and a
// sentence: names of this machine that are not its own (a site may have its name point here), other
// sites' scripts, bodies that are no JSON or too long, unknown paths. A connection carries one
// request and must deliver it within the patience, so that slow ones hold no thread for long. Knows
// nothing of digits. Called by Serve.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/answer.h"

namespace numeral {

inline constexpr size_t kLongestBody = 1 << 20;  // bytes of a request

struct Route {
  enum class Method { kGet, kPost } method;
  std::string path;
  // Called from any thread, several at a time.
  std::function<Answer(const std::string& body)> answer;
};

class WebServer {
 public:
  // Listens from now on; port 0 is any that is free. Throws Error(kBadInput) where it cannot.
  WebServer(std::vector<Route> routes, int port, std::chrono::milliseconds patience);
  // Cuts every connection; returns when the routes' functions have.
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  int port() const;

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

}  // namespace numeral
