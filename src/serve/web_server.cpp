#include "serve/web_server.h"

#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "serve/connection.h"
#include "serve/threads.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr const char* kAddress = "127.0.0.1";
constexpr size_t kThreads = 32;  // connections that are served at a time; others wait

// The page takes everything from here; strips are shown from memory (blob:).
const httplib::Headers kHeaders = {
    {"Content-Security-Policy",
     "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"}};

void Send(const Answer& answer, httplib::Response& response) {
  response.status = answer.status;
  if (answer.status == 503) response.set_header("Retry-After", "1");
  response.set_content(answer.body, answer.type);
}

// What the library itself refuses.
std::string Sentence(int status) {
  switch (status) {
    case 400:
      return "this is no HTTP request";
    case 413:
      return "the request is too long";
    case 414:
      return "the address is too long";
    default:
      return "the request cannot be answered";
  }
}

}  // namespace

// The library listens, parses and routes; a connection is ours from its first byte to its end.
class WebServer::Listener : public httplib::Server {
 public:
  Listener(std::vector<Route> routes, int port, std::chrono::milliseconds patience)
      : routes_(std::move(routes)), patience_(patience) {
    // Not SO_REUSEPORT, the library's choice, with which two servers share a port.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    set_tcp_nodelay(true);
    set_payload_max_length(kLongestBody);
    set_default_headers(kHeaders);
    new_task_queue = [] { return new Threads(kThreads); };
    Register();
    Bind(port);
    thread_ = std::thread([this] { listen_after_bind(); });
    while (!is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  ~Listener() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      for (const int socket : open_) shutdown(socket, SHUT_RDWR);
    }
    stop();
    thread_.join();
  }

  int port() const { return port_; }

 private:
  void Bind(int port) {
    port_ = port == 0 ? bind_to_any_port(kAddress) : bind_to_port(kAddress, port) ? port : -1;
    if (port_ < 0) {
      BadInput("cannot listen on port {} of {} ({}); choose another --port", port, kAddress,
               std::strerror(errno));
    }
    // The library lets five wait to be accepted, and the kernel may send others away.
    ::listen(svr_sock_, SOMAXCONN);
    for (const char* name : {"localhost", kAddress, "[::1]"}) {
      hosts_.insert(fmt::format("{}:{}", name, port_));
      if (port_ == 80) hosts_.insert(name);
    }
  }

  void Register() {
    for (const Route& route : routes_) {
      const auto handler = [&route](const httplib::Request& request, httplib::Response& response) {
        Send(request.body.size() > kLongestBody ? Refusal(413, Sentence(413))
                                                : route.answer(request.body),
             response);
      };
      if (route.method == Route::Method::kGet) {
        Get(route.path, handler);
      } else {
        Post(route.path, handler);
      }
    }
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      const Answer refusal = WhyRefused(request);
      if (refusal.status == 200) return HandlerResponse::Unhandled;
      Send(refusal, response);
      return HandlerResponse::Handled;
    });
    set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (response.body.empty())
        Send(Refusal(response.status, Sentence(response.status)), response);
    });
  }

  // Status 200 where it is not. The body is not read yet.
  Answer WhyRefused(const httplib::Request& request) const {
    if (request.get_header_value_count("Host") != 1 ||
        !hosts_.contains(request.get_header_value("Host"))) {
      return Refusal(403, fmt::format("open http://localhost:{}/ instead", port_));
    }
    const auto [first, last] = request.headers.equal_range("Origin");
    for (auto header = first; header != last; ++header) {
      const std::string& origin = header->second;
      if (!origin.starts_with("http://") || !hosts_.contains(origin.substr(7))) {
        return Refusal(403, "another site may not ask");
      }
    }
    const auto at_path = [&](const Route& route) { return route.path == request.path; };
    const auto route = std::ranges::find_if(routes_, at_path);
    if (route == routes_.end()) return Refusal(404, "there is nothing at this address");
    const bool get = request.method == "GET" || request.method == "HEAD";
    if (route->method == Route::Method::kGet) {
      return get ? Answer{} : Refusal(405, "this address takes GET");
    }
    if (request.method != "POST") return Refusal(405, "this address takes POST");
    return WhyBodyRefused(request);
  }

  static Answer WhyBodyRefused(const httplib::Request& request) {
    // What a form of another site cannot send without asking first.
    if (!request.get_header_value("Content-Type").starts_with("application/json") ||
        request.has_header("Content-Encoding")) {
      return Refusal(415, "the request must be plain application/json");
    }
    const std::string length = request.get_header_value("Content-Length");
    if (std::strtoull(length.c_str(), nullptr, 10) > kLongestBody) {
      return Refusal(413, Sentence(413));
    }
    return {};
  }

  // The library's hook for encrypted connections.
  bool process_and_close_socket(socket_t socket) override {
    if (Opened(socket)) {
      Connection connection(socket, patience_);
      Process(connection, [](httplib::Request& request) {
        request.headers.erase("Accept-Encoding");  // packing takes longer than the way to this
        request.ranges.clear();                    // machine; and nothing is sent in parts
      });
      connection.Finish();
    }
    const std::lock_guard lock(mutex_);
    open_.erase(socket);
    close(socket);
    return true;
  }

  // Later versions of the library than 0.11 want to be told both ends' addresses.
  template <typename Setup>
  void Process(Connection& connection, const Setup& setup) {
    bool closed = false;
    if constexpr (requires { this->process_request(connection, true, closed, setup); }) {
      this->process_request(connection, true, closed, setup);
    } else {
      this->process_request(connection, kAddress, 0, kAddress, port_, true, closed, setup);
    }
  }

  bool Opened(socket_t socket) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) open_.insert(socket);
    return !stopping_;
  }

  const std::vector<Route> routes_;
  const std::chrono::milliseconds patience_;
  int port_ = -1;
  std::set<std::string> hosts_;  // names by which clients may call this server
  std::thread thread_;
  std::mutex mutex_;
  std::set<socket_t> open_;
  bool stopping_ = false;
};

WebServer::WebServer(std::vector<Route> routes, int port, std::chrono::milliseconds patience)
    : listener_(std::make_unique<Listener>(std::move(routes), port, patience)) {}

WebServer::~WebServer() = default;

int WebServer::port() const { return listener_->port(); }

}  // namespace numeral
