// The page's server gives what the source draws by itself, to the bit, whoever else asks.
#include <filesystem>
#include <thread>

#include "config/parse.h"
#include "inference/latent_file.h"
#include "render/grid.h"
#include "render/number.h"
#include "render/png.h"
#include "tests/catch.h"
#include "tests/serve/running_server.h"
#include "tests/serve/test_sources.h"
#include "tests/train/small_runs.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

// A small generator, as often as wanted.
struct Weighted {
  TempFolder folder;
  std::unique_ptr<Engine> engine = MakeCpuEngine();
  Weights weights;

  explicit Weighted(bool conditional) {
    WriteGenerator(folder.path() / "g.bin", conditional, 5);
    weights = LoadWeights(folder.path() / "g.bin");
  }
  std::unique_ptr<DigitSource> Source() { return SourceOfGenerator(weights, *engine, 1); }
};

std::vector<std::vector<float>> Rows(const DrawnDigits& drawn) {
  const size_t size = drawn.latents.size() / drawn.digits.size();
  std::vector<std::vector<float>> rows;
  for (auto at = drawn.latents.begin(); at != drawn.latents.end();
       at += static_cast<int64_t>(size)) {
    rows.emplace_back(at, at + static_cast<int64_t>(size));
  }
  return rows;
}

std::string TilesOf(const std::vector<uint8_t>& pixels) {
  const int count = static_cast<int>(pixels.size() / kImagePixels);
  return EncodePng(DrawGrid(pixels, {1, count, 1, 0}));
}

Json Drawn(const RunningServer& server, const std::string& digits, int seed) {
  const auto response = server.Post("/api/draw", Json{{"digits", digits}, {"seed", seed}}.dump());
  INFO(response.body);
  REQUIRE(response.status == 200);
  return Json::parse(response.body);
}

}  // namespace

TEST_CASE("the page and its parts come from here, and nothing else may", "[serve]") {
  const RunningServer server(std::make_unique<PlainSource>());
  const std::filesystem::path folder = NUMERAL_SOURCE_DIR "/src/serve";
  const auto check = [&](const char* path, const char* file, const char* type) {
    const auto response = server.Get(path);
    INFO(path);
    CHECK(response.status == 200);
    CHECK(response.body == ReadFile(folder / file));
    CHECK(response.get_header_value("Content-Type").starts_with(type));
    CHECK(response.get_header_value("X-Content-Type-Options") == "nosniff");
    CHECK(response.get_header_value("Cache-Control") == "no-store");
    const std::string policy = response.get_header_value("Content-Security-Policy");
    CheckMentions(policy, {"default-src 'self'", "img-src 'self' blob:", "frame-ancestors 'none'"});
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(policy.find("http") == std::string::npos);
  };
  check("/", "page.html", "text/html");
  check("/page.css", "page.css", "text/css");
  check("/page.js", "page.js", "text/javascript");
  check("/icon.svg", "icon.svg", "image/svg+xml");
  const auto plain =
      server.Get("/page.js", {{"Accept-Encoding", "gzip, br"}, {"Range", "bytes=0-9"}});
  CHECK(plain.status == 200);
  CHECK_FALSE(plain.has_header("Content-Encoding"));
  CHECK(plain.body == ReadFile(folder / "page.js"));
  const auto head = server.Client().Head("/");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->body.empty());
}

TEST_CASE("the page is told what it plays with", "[serve]") {
  ServeOptions options;
  options.title = "g\xff.bin";
  options.seed = (uint64_t{1} << 53) - 1;
  options.number = "123";
  options.redraw_command = "generate --generators 'd_{digit}'";
  {
    const RunningServer server(std::make_unique<PlainSource>(), options);
    CheckMentions(server.said(), {options.title, fmt::format(":{}/", server.port())});
    const Json info = Json::parse(server.Get("/api/info").body);
    CHECK(info["title"] == "g\xef\xbf\xbd.bin");
    CHECK(info["knows_digits"] == true);
    CHECK(info["latent_size"] == 3);
    CHECK(info["most_digits"] == 60);
    CHECK(info["seed"] == options.seed);
    CHECK(info["number"] == "123");
    CHECK(info["needs_digits"] == true);
    CHECK(info["redraw_command"] == "generate --generators 'd_{digit}'");
  }
  {  // Long latents: fewer of them, such that a request has room for them.
    const auto watch = std::make_shared<SourceWatch>();
    const RunningServer server(std::make_unique<PlainSource>(watch, 2000));
    const Json info = Json::parse(server.Get("/api/info").body);
    CHECK(info["most_digits"] == 10);
    CHECK(info["number"] == "1234567890");
    Json drawn = Drawn(server, "1234560123", 1);
    for (Json& row : drawn["latents"]) {
      for (Json& value : row) value = -1.2345678901234567e-10;
    }
    CHECK(server.Post("/api/tiles", drawn.dump()).status == 200);
  }
  CheckMentions(MessageOf(ErrorKind::kBadInput,
                          [&] {
                            const auto watch = std::make_shared<SourceWatch>();
                            options.seed = 1;
                            Serve(std::make_unique<PlainSource>(watch, 100'000), options,
                                  [](const auto&) {});
                          }),
                {"100000", "too long"});
  CheckMentions(MessageOf(ErrorKind::kBadInput,
                          [&] {
                            options.seed = uint64_t{1} << 53;
                            Serve(std::make_unique<PlainSource>(), options, [](const auto&) {});
                          }),
                {"--seed", "9007199254740992", "9007199254740991"});
}

TEST_CASE("digits are drawn and drawn again as by the source itself", "[serve]") {
  Weighted made(true);
  const auto source = made.Source();
  const RunningServer server(made.Source());
  const std::vector<int32_t> digits = {2, 0, 2, 6, 1};
  source->Restart(11);
  const DrawnDigits drawn = source->Draw(digits);
  CHECK(Drawn(server, "9", 3)["latents"] != Drawn(server, "9", 4)["latents"]);

  const Json answer = Drawn(server, "20261", 11);
  CHECK(answer["digits"] == "20261");
  CHECK(answer["latents"].get<std::vector<std::vector<float>>>() == Rows(drawn));
  CHECK(Drawn(server, "20261", 11) == answer);

  Json request = answer;
  CHECK(server.Post("/api/tiles", request.dump()).body == TilesOf(drawn.pixels));
  CHECK(server.Post("/api/strip", request.dump()).body == EncodePng(DrawNumber(drawn.pixels, {})));
  request["layout"] = {
      {"min_spacing", 3}, {"max_spacing", 9}, {"thousands_spacing", 6}, {"scale", 2}, {"seed", 12}};
  const auto strip = server.Post("/api/strip", request.dump());
  CHECK(strip.get_header_value("Content-Type") == "image/png");
  CHECK(strip.body == EncodePng(DrawNumber(drawn.pixels, {3, 9, 6, 2, 12})));
  CHECK(server.Post("/api/strip", request.dump()).body == strip.body);

  // A number of one latent and one digit are changed: the others stay.
  request.erase("layout");
  request["latents"][1][0] = 2.5;
  request["digits"] = "20251";
  DrawnDigits changed = drawn;
  changed.latents[static_cast<size_t>(source->latent_size())] = 2.5f;
  const std::vector<uint8_t> pixels =
      source->Render(changed.latents, std::vector<int32_t>{2, 0, 2, 5, 1});
  REQUIRE(pixels != drawn.pixels);
  CHECK(server.Post("/api/tiles", request.dump()).body == TilesOf(pixels));
  request["digits"] = "20261";
  CHECK(server.Post("/api/tiles", request.dump()).body ==
        TilesOf(source->Render(changed.latents, digits)));

  const auto latent = server.Post("/api/latent", Json{{"latent", answer["latents"][2]}}.dump());
  CHECK(latent.get_header_value("Content-Type").starts_with("text/plain"));
  const auto row = Rows(drawn)[2];
  CHECK(latent.body == LatentText(row));
  WriteFileAtomically(made.folder.path() / "latent.txt", latent.body);
  CHECK(ReadLatents(made.folder.path() / "latent.txt", source->latent_size()) == row);
}

TEST_CASE("images whose digits nobody knows are served too", "[serve]") {
  Weighted made(false);
  const auto source = made.Source();
  const RunningServer server(made.Source());
  CHECK(Json::parse(server.Get("/api/info").body)["knows_digits"] == false);
  source->Restart(4);
  const DrawnDigits drawn = source->Draw(std::vector<int32_t>(3, kAnyDigit));
  const auto response = server.Post("/api/draw", R"({"count": 3, "seed": 4})");
  INFO(response.body);
  const Json answer = Json::parse(response.body);
  CHECK(answer["digits"].is_null());
  CHECK(answer["latents"].get<std::vector<std::vector<float>>>() == Rows(drawn));
  CHECK(server.Post("/api/tiles", response.body).body == TilesOf(drawn.pixels));
  const std::string latents = Json{{"latents", answer["latents"]}}.dump();
  CHECK(server.Post("/api/strip", latents).body == EncodePng(DrawNumber(drawn.pixels, {})));
  CHECK(server.Post("/api/draw", R"({"digits": "3", "seed": 4})").status == 400);
  CHECK(server.Post("/api/draw", R"({"count": 0, "seed": 4})").status == 400);
  CHECK(server.Post("/api/draw", R"({"count": 61, "seed": 4})").status == 400);
}

TEST_CASE("ten at a time get what each alone would have got", "[serve]") {
  const auto watch = std::make_shared<SourceWatch>();
  const RunningServer server(std::make_unique<PlainSource>(watch));
  constexpr int kClients = 10, kRounds = 8;
  struct Got {
    std::vector<std::vector<float>> latents;
    std::string strip, tiles;
  };
  std::vector<std::vector<Got>> got(kClients);
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&server, &mine = got[static_cast<size_t>(c)], c] {
      for (int round = 0; round < kRounds; ++round) {
        const Json wanted = {
            {"digits", std::string(static_cast<size_t>(1 + round % 3), '0' + c % 7)},
            {"seed", 100 * c + round}};
        const std::string drawn = server.Post("/api/draw", wanted.dump()).body;
        mine.push_back({Json::parse(drawn)["latents"].get<std::vector<std::vector<float>>>(),
                        server.Post("/api/strip", drawn).body,
                        server.Post("/api/tiles", drawn).body});
      }
    });
  }
  for (std::thread& client : clients) client.join();

  PlainSource alone;
  for (int c = 0; c < kClients; ++c) {
    REQUIRE(got[static_cast<size_t>(c)].size() == kRounds);
    for (int round = 0; round < kRounds; ++round) {
      const Got& one = got[static_cast<size_t>(c)][static_cast<size_t>(round)];
      alone.Restart(static_cast<uint64_t>(100 * c + round));
      const DrawnDigits drawn =
          alone.Draw(std::vector<int32_t>(static_cast<size_t>(1 + round % 3), c % 7));
      CHECK(one.latents == Rows(drawn));
      CHECK(one.strip == EncodePng(DrawNumber(drawn.pixels, {})));
      CHECK(one.tiles == TilesOf(drawn.pixels));
    }
  }
  CHECK_FALSE(watch->met);
  CHECK(watch->threads == std::set<std::thread::id>{server.thread()});
}

}  // namespace numeral
