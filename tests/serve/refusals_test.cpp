// Whatever is asked of the page's server, it answers in a sentence and goes on.
#include "config/parse.h"
#include "tests/catch.h"
#include "tests/serve/running_server.h"
#include "tests/serve/test_sources.h"
#include "tests/util/expect_error.h"

namespace numeral {
namespace {

constexpr const char* kGood = R"({"digits": "12", "seed": 1})";

void CheckRefused(const httplib::Response& response, int status,
                  std::initializer_list<std::string> parts) {
  CHECK(response.status == status);
  CHECK(response.get_header_value("Content-Type") == "application/json");
  const Json json = Json::parse(response.body);
  REQUIRE(json.size() == 1);
  CheckMentions(json.at("error").get<std::string>(), parts);
}

}  // namespace

TEST_CASE("bad requests for digits are refused", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  const auto check = [&](const std::string& body, std::initializer_list<std::string> parts) {
    INFO(body.substr(0, 100));
    CheckRefused(server.Post("/api/draw", body), 400, parts);
  };
  check("", {"the request", "line 1"});
  check("{", {"the request", "line 1", "column"});
  check("[]", {"object"});
  check("null", {"object"});
  check("\"\xff\"", {"the request"});
  check(R"({"digits": "12", "seed": 1, "seed": 2})", {"seed", "twice"});
  check(R"({"digits": "12", "seed": 1, "sead": 2})", {"sead", "unknown"});
  check(R"({"count": 3, "seed": 1})", {"count", "unknown"});
  check(R"({"seed": 1})", {"lacks", "digits"});
  check(R"({"digits": null, "seed": 1})", {"lacks", "digits"});
  check(R"({"digits": "12"})", {"lacks", "seed"});
  check(R"({"digits": 12, "seed": 1})", {"digits", "string"});
  check(R"({"digits": [1, 2], "seed": 1})", {"digits", "string"});
  check(R"({"digits": "", "seed": 1})", {"no digit"});
  check(R"({"digits": "12a", "seed": 1})", {"0 to 9"});
  check(R"({"digits": "-1", "seed": 1})", {"0 to 9"});
  check(R"({"digits": "1 2", "seed": 1})", {"0 to 9"});
  check(R"({"digits": "\u0661", "seed": 1})", {"0 to 9"});
  check(R"({"digits": "1\u0000", "seed": 1})", {"0 to 9"});
  check(R"({"digits": ")" + std::string(61, '1') + R"(", "seed": 1})", {"61", "60"});
  for (const char* seed :
       {"-1", "1.5", "\"1\"", "true", "[1]", "9007199254740992", "99999999999999999999", "1e400"}) {
    check(fmt::format(R"({{"digits": "12", "seed": {}}})", seed), {});
  }
  check(std::string(100'000, '['), {"nested"});
  check(R"({"digits": )" + std::string(1000, '[') + std::string(1000, ']') + "}", {"nested"});

  CHECK(server.Post("/api/draw", R"({"digits": ")" + std::string(60, '1') + R"(", "seed": 1})")
            .status == 200);
  CHECK(server.Post("/api/draw", R"({"digits": "0", "seed": 9007199254740991})").status == 200);
}

TEST_CASE("bad latents and layouts are refused", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  const auto check = [&](const std::string& body, std::initializer_list<std::string> parts) {
    INFO(body.substr(0, 100));
    CheckRefused(server.Post("/api/tiles", body), 400, parts);
    CheckRefused(server.Post("/api/strip", body), 400, parts);
  };
  check(R"({"digits": "1"})", {"lacks", "latents"});
  check(R"({"latents": [], "digits": "1"})", {"latents"});
  check(R"({"latents": {"0": [1, 2, 3]}, "digits": "1"})", {"latents"});
  check(R"({"latents": [1, 2, 3], "digits": "123"})", {"list of 3 numbers"});
  check(R"({"latents": [[1, 2]], "digits": "1"})", {"list of 3 numbers"});
  check(R"({"latents": [[1, 2, 3, 4]], "digits": "1"})", {"list of 3 numbers"});
  check(R"({"latents": [[1, 2, "3"]], "digits": "1"})", {"-1000", "1000"});
  check(R"({"latents": [[1, 2, null]], "digits": "1"})", {"-1000", "1000"});
  check(R"({"latents": [[1, 2, 1000.1]], "digits": "1"})", {"-1000", "1000"});
  check(R"({"latents": [[1, 2, -1e300]], "digits": "1"})", {"-1000", "1000"});
  check(R"({"latents": [[1, 2, NaN]], "digits": "1"})", {"the request"});
  check(R"({"latents": [[1, 2, 3]]})", {"lacks", "digits"});
  check(R"({"latents": [[1, 2, 3]], "digits": "12"})", {"2 digits", "1 latents"});
  check(R"({"latents": [[1, 2, 3]], "digits": "x"})", {"0 to 9"});
  std::string many = "[[1,2,3]";
  for (int i = 0; i < 60; ++i) many += ",[1,2,3]";
  check(R"({"latents": )" + many + R"(], "digits": "1"})", {"61", "60"});
  CheckRefused(
      server.Post("/api/tiles", R"({"latents": [[1, 2, 3]], "digits": "1", "layout": {}})"), 400,
      {"layout", "unknown"});

  const auto check_layout = [&](const std::string& layout,
                                std::initializer_list<std::string> parts) {
    INFO(layout);
    CheckRefused(server.Post("/api/strip",
                             R"({"latents": [[1, 2, 3], [1, 2, 3]], "digits": "11", "layout": )" +
                                 layout + "}"),
                 400, parts);
  };
  check_layout("3", {"layout", "object"});
  check_layout(R"({"space": 3})", {"layout", "space"});
  check_layout(R"({"min_spacing": -1})", {"min_spacing", "0", "200"});
  check_layout(R"({"max_spacing": 201})", {"max_spacing", "0", "200"});
  check_layout(R"({"max_spacing": 1e9})", {"max_spacing"});
  check_layout(R"({"thousands_spacing": "3"})", {"thousands_spacing"});
  check_layout(R"({"min_spacing": 6})", {"6", "5"});
  check_layout(R"({"scale": 0})", {"scale", "1", "32"});
  check_layout(R"({"scale": 33})", {"scale", "1", "32"});
  check_layout(R"({"scale": 1.5})", {"scale"});
  check_layout(R"({"seed": -4})", {"seed"});
  CHECK(server
            .Post("/api/strip", R"({"latents": [[1, 2, 3], [1, 2, 3]], "digits": "11",
            "layout": {"scale": 32, "min_spacing": 200, "max_spacing": 200,
                       "thousands_spacing": 200, "seed": 9007199254740991}})")
            .status == 200);
}

TEST_CASE("a strip that is too wide is refused", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  const Json drawn = Json::parse(
      server.Post("/api/draw", R"({"digits": ")" + std::string(40, '1') + R"(", "seed": 1})").body);
  Json request = drawn;
  request["layout"] = {{"scale", 32}};
  CheckRefused(server.Post("/api/strip", request.dump()), 400, {"40 digits", "16384"});
  request["layout"] = {{"scale", 8}};
  CHECK(server.Post("/api/strip", request.dump()).status == 200);
}

TEST_CASE("bad requests for a latent file are refused", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  CheckRefused(server.Post("/api/latent", R"({"latent": [1, 2]})"), 400, {"3 numbers"});
  CheckRefused(server.Post("/api/latent", R"({"latents": [1, 2, 3]})"), 400, {"latents"});
  CHECK(server.Post("/api/latent", R"({"latent": [1, 0.1, -3e-9]})").body == "1\n0.1\n-3e-09\n");
}

TEST_CASE("only this server's own pages may ask", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  const std::string port = std::to_string(server.port());
  const auto host = [&](const std::string& name) { return httplib::Headers{{"Host", name}}; };
  for (const std::string name : {"localhost:", "127.0.0.1:", "[::1]:"}) {
    CHECK(server.Get("/", host(name + port)).status == 200);
  }
  for (const std::string& name :
       {std::string("evil.example:") + port, std::string("localhost"), std::string("127.0.0.1"),
        std::string("localhost:1"), "localhost.evil.example:" + port, std::string(),
        "evil@localhost:" + port}) {
    INFO(name);
    CheckRefused(server.Get("/", host(name)), 403, {"http://localhost:" + port});
    CheckRefused(server.Post("/api/draw", kGood, host(name)), 403, {"localhost"});
  }
  const auto two = httplib::Headers{{"Host", "localhost:" + port}, {"Host", "evil.example"}};
  CheckRefused(server.Get("/", two), 403, {"localhost"});

  const auto origin = [&](const std::string& from) {
    return server.Post("/api/draw", kGood, {{"Origin", from}});
  };
  CHECK(origin("http://localhost:" + port).status == 200);
  CHECK(origin("http://127.0.0.1:" + port).status == 200);
  for (const std::string& from :
       {std::string("null"), std::string("http://evil.example"), "https://localhost:" + port,
        std::string("http://localhost"), std::string("http://localhost:1"), "localhost:" + port}) {
    INFO(from);
    CheckRefused(origin(from), 403, {"another site"});
  }
}

TEST_CASE("unknown addresses and methods are refused", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  for (const char* path : {"/nothing", "/api", "/api/", "/api/draw/", "/pageXcss", "/../etc/passwd",
                           "/page.css/..", "//", "/%00"}) {
    INFO(path);
    CheckRefused(server.Get(path), 404, {"nothing"});
    CheckRefused(server.Post(path, kGood), 404, {"nothing"});
  }
  CHECK(server.Get("/" + std::string(10'000, 'a')).status == 414);
  CheckRefused(server.Get("/api/draw"), 405, {"POST"});
  CheckRefused(server.Post("/api/info", "{}"), 405, {"GET"});
  CheckRefused(server.Post("/", "{}"), 405, {"GET"});
  CheckRefused(*server.Client().Delete("/api/draw"), 405, {"POST"});
  CheckRefused(*server.Client().Put("/api/draw", kGood, "application/json"), 405, {"POST"});
  CheckRefused(*server.Client().Options("/"), 405, {"GET"});
  CHECK(server.Get("/?a=b").status == 200);
}

TEST_CASE("bodies of another kind and long ones are refused", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  auto client = server.Client();
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"}) {
    INFO(type);
    CheckRefused(*client.Post("/api/draw", kGood, type), 415, {"application/json"});
  }
  CHECK(client.Post("/api/draw", kGood, "application/json; charset=utf-8")->status == 200);
  CheckRefused(server.Post("/api/draw", kGood, {{"Content-Encoding", "gzip"}}), 415, {"json"});

  // Spaces make a good request as long as one likes.
  const auto padded = [](size_t size) {
    std::string body(kGood);
    return body + std::string(size - body.size(), ' ');
  };
  CHECK(server.Post("/api/draw", padded(1 << 20)).status == 200);
  CheckRefused(server.Post("/api/draw", padded((1 << 20) + 1)), 413, {"too long"});
  CheckRefused(server.Post("/api/draw", padded(3 << 20)), 413, {"too long"});
  const auto in_chunks = [&](const std::string& body) {
    return *client.Post(
        "/api/draw", {},
        [&](size_t, httplib::DataSink& sink) {
          sink.write(body.data(), body.size());
          sink.done();
          return true;
        },
        "application/json");
  };
  CHECK(in_chunks(kGood).status == 200);
  CheckRefused(in_chunks(padded((1 << 20) + 1)), 413, {"too long"});
  CHECK(server.Post("/api/draw", kGood).status == 200);
}

TEST_CASE("a source that fails is an answer, not an end", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  const auto draw = [&](const std::string& digits) {
    return server.Post("/api/draw", R"({"digits": ")" + digits + R"(", "seed": 1})");
  };
  const std::string before = draw("12").body;
  CheckRefused(draw("17"), 500, {"no 7 comes"});
  CheckRefused(draw("18"), 500, {"an 8 breaks"});
  CHECK(draw("12").body == before);
}

TEST_CASE("a digit that the source does not draw is a bad request", "[serve]") {
  class OnlyFours : public PlainSource {
    DrawnDigits Draw(std::span<const int32_t>) override { BadInput("it draws nothing but 4"); }
  };
  const RunningServer server(std::make_unique<OnlyFours>());
  CheckRefused(server.Post("/api/draw", kGood), 400, {"nothing but 4"});
}

TEST_CASE("too many requests at a time are sent away", "[serve]") {
  const auto watch = std::make_shared<SourceWatch>();
  std::promise<void> open;
  watch->go_on = open.get_future().share();
  const RunningServer server(std::make_unique<PlainSource>(watch));
  constexpr int kWaiting = 16, kMore = 7;  // of those who come while a slow digit is drawn
  int slow_status = 0;
  std::thread slow(
      [&] { slow_status = server.Post("/api/draw", R"({"digits": "9", "seed": 1})").status; });
  watch->began.get_future().wait();
  std::atomic<int> drawn = 0, sent_away = 0, other = 0;
  std::promise<void> all_sent_away;
  std::vector<std::thread> clients;
  for (int i = 0; i < kWaiting + kMore; ++i) {
    clients.emplace_back([&] {
      const auto response = server.Post("/api/draw", kGood);
      if (response.status == 200) {
        ++drawn;
      } else if (response.status == 503 && response.get_header_value("Retry-After") == "1") {
        if (++sent_away == kMore) all_sent_away.set_value();
      } else {
        ++other;
      }
    });
  }
  all_sent_away.get_future().wait();
  CHECK(drawn == 0);
  open.set_value();
  for (std::thread& client : clients) client.join();
  slow.join();
  CHECK(slow_status == 200);
  CHECK(drawn == kWaiting);
  CHECK(sent_away == kMore);
  CHECK(other == 0);
  CHECK(server.Post("/api/draw", kGood).status == 200);
}

}  // namespace numeral
