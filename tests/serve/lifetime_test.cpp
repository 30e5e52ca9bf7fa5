// The page's server begins where it may and ends when it is told to, whoever is connected.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/serve/running_server.h"
#include "tests/serve/test_sources.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

// A client that says what a test wants, and no more.
class RawClient {
 public:
  explicit RawClient(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* any = reinterpret_cast<const sockaddr*>(&address);
    connected_ = connect(socket_, any, sizeof(address)) == 0;
  }
  ~RawClient() { close(socket_); }

  bool connected() const { return connected_; }
  bool Send(const std::string& text) const {
    return send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // Until the server closes.
  std::string Rest() const {
    std::string all;
    char some[4096];
    for (ssize_t got; (got = recv(socket_, some, sizeof(some), 0)) > 0;) {
      all.append(some, static_cast<size_t>(got));
    }
    return all;
  }

 private:
  int socket_;
  bool connected_;
};

std::string Begin(const RunningServer& server, const std::string& line) {
  return fmt::format("{}\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n", line,
                     server.port());
}

// Longer than any test run: what waits for it hangs.
ServeOptions VeryPatient() {
  ServeOptions options;
  options.patience = std::chrono::hours(10);
  return options;
}

}  // namespace

TEST_CASE("a port that is taken, or is none, is refused", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  ServeOptions options;
  const auto refusal = [&](int port) {
    options.port = port;
    return MessageOf(ErrorKind::kBadInput, [&] {
      Serve(std::make_unique<PlainSource>(), options, [](const auto&) { FAIL("it listens"); });
    });
  };
  CheckMentions(refusal(server.port()), {std::to_string(server.port()), "in use", "--port"});
  CheckMentions(refusal(-1), {"-1", "65535"});
  CheckMentions(refusal(65536), {"65536", "65535"});
  CHECK(server.Get("/").status == 200);
}

TEST_CASE("only this machine is served", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  httplib::Client other("127.0.0.2", server.port());  // loopback too, but not the address
  CHECK_FALSE(other.Get("/"));
}

TEST_CASE("the server ends by either signal, and its port is free", "[serve]") {
  for (const int signal : {SIGINT, SIGTERM}) {
    RunningServer server(std::make_unique<PlainSource>());
    CHECK(server.Get("/").status == 200);
    CHECK_FALSE(server.ended());
    server.End(signal);
    CHECK(server.ended());
    CHECK_FALSE(server.Client().Get("/"));
    CHECK_FALSE(RawClient(server.port()).connected());
  }
}

TEST_CASE("the server ends while clients are connected", "[serve]") {
  RunningServer server(std::make_unique<PlainSource>(), VeryPatient());
  const RawClient silent(server.port()), half_line(server.port()), half_headers(server.port()),
      half_body(server.port()), deaf(server.port());
  half_line.Send("GET / HT");
  half_headers.Send(Begin(server, "GET / HTTP/1.1"));
  half_body.Send(Begin(server, "POST /api/draw HTTP/1.1") + "Content-Length: 100\r\n\r\n{");
  deaf.Send(Begin(server, "GET /page.js HTTP/1.1") + "\r\n");  // and keeps its connection open
  auto kept = server.Client();
  kept.set_keep_alive(true);
  CHECK(kept.Get("/")->status == 200);
  server.End(SIGINT);
  CHECK(server.ended());
  for (const RawClient* client : {&silent, &half_line, &half_headers, &half_body}) {
    CHECK(client->Rest().find("200 OK") == std::string::npos);
  }
}

TEST_CASE("who waits for a picture when the server ends is sent away", "[serve]") {
  const auto watch = std::make_shared<SourceWatch>();
  std::promise<void> open;
  watch->go_on = open.get_future().share();
  RunningServer server(std::make_unique<PlainSource>(watch), VeryPatient());
  const RawClient drawn(server.port()), waiting(server.port());
  const auto ask = [&](const RawClient& client, const std::string& body) {
    client.Send(Begin(server, "POST /api/draw HTTP/1.1") +
                fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body));
  };
  ask(drawn, R"({"digits": "9", "seed": 1})");
  watch->began.get_future().wait();
  ask(waiting, R"({"digits": "1", "seed": 1})");
  std::thread opener([&] { open.set_value(); });
  server.End(SIGTERM);
  opener.join();
  CHECK(server.ended());
  drawn.Rest();
  waiting.Rest();  // an answer or none, but the connection is closed
}

TEST_CASE("clients that dawdle are cut off", "[serve]") {
  ServeOptions options;
  options.patience = std::chrono::milliseconds(200);
  const RunningServer server(std::make_unique<PlainSource>(), options);
  const RawClient silent(server.port()), half(server.port());
  half.Send(Begin(server, "POST /api/draw HTTP/1.1") + "Content-Length: 100\r\n\r\n{");
  CHECK(silent.Rest().empty());
  CHECK(half.Rest().find("200 OK") == std::string::npos);
  // Each byte is in time, the whole never is.
  const RawClient slow(server.port());
  int sent = 0;
  while (sent < 100'000 && slow.Send("G")) {
    ++sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(sent < 100'000);
  CHECK(server.Get("/").status == 200);
}

TEST_CASE("who is refused may finish the sentence", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>(), VeryPatient());
  const RawClient client(server.port());
  client.Send(Begin(server, "POST /api/info HTTP/1.1") + "Content-Length: 1000\r\n\r\n{");
  CheckMentions(client.Rest(), {" 405 ", "takes GET"});
  // Into a closed connection the second would fail, and the answer might be lost with it.
  for (int i = 0; i < 3; ++i) CHECK(client.Send("{"));
}

TEST_CASE("requests without an end are cut off", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>(), VeryPatient());
  const std::string megabyte(1 << 20, 'a');
  for (const std::string& begin :
       {std::string("GET /"), Begin(server, "GET / HTTP/1.1") + "X: ",
        Begin(server, "POST /api/draw HTTP/1.1") + "Content-Length: 1000000000\r\n\r\n"}) {
    const RawClient client(server.port());
    client.Send(begin);
    int sent = 0;
    while (sent < 1000 && client.Send(megabyte)) ++sent;
    CHECK(sent < 100);
  }
  const RawClient noise(server.port());
  noise.Send("\x16\x03\x01 what\r\n\r\n");
  noise.Rest();
  CHECK(server.Get("/").status == 200);
}

}  // namespace numeral
