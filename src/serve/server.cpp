#include "serve/server.h"

#include <string_view>
#include <utility>

#include "serve/drawing.h"
#include "serve/web_server.h"
#include "serve/work_queue.h"
#include "util/error.h"
#include "util/interrupt.h"

namespace numeral {
namespace {

constexpr std::string_view kHtml =
#include "src/serve/page.html.inc"
    ;
constexpr std::string_view kStyle =
#include "src/serve/page.css.inc"
    ;
constexpr std::string_view kScript =
#include "src/serve/page.js.inc"
    ;
constexpr std::string_view kIcon =
#include "src/serve/icon.svg.inc"
    ;

constexpr size_t kMostWaiting = 16;
constexpr std::chrono::milliseconds kBetweenLooks{50};  // for an interrupt

Route File(const char* path, const char* type, std::string_view text) {
  const Answer answer{200, type, std::string(text)};
  return {Route::Method::kGet, path, [answer](const std::string&) { return answer; }};
}

std::vector<Route> Routes(Drawing& drawing, WorkQueue& queue) {
  std::vector<Route> routes = {File("/", "text/html; charset=utf-8", kHtml),
                               File("/page.css", "text/css; charset=utf-8", kStyle),
                               File("/page.js", "text/javascript; charset=utf-8", kScript),
                               File("/icon.svg", "image/svg+xml", kIcon)};
  const auto add = [&](Route::Method method, const char* path, auto work) {
    routes.push_back({method, path, [&queue, work](const std::string& body) {
                        const auto answer = queue.Run([&] { return work(body); });
                        return answer.value_or(
                            Refusal(503, "too many requests at a time; try again in a second"));
                      }});
  };
  const auto get = Route::Method::kGet, post = Route::Method::kPost;
  add(get, "/api/info", [&drawing](const std::string&) { return drawing.Info(); });
  add(post, "/api/draw", [&drawing](const std::string& body) { return drawing.Draw(body); });
  add(post, "/api/strip", [&drawing](const std::string& body) { return drawing.Strip(body); });
  add(post, "/api/tiles", [&drawing](const std::string& body) { return drawing.Tiles(body); });
  add(post, "/api/latent", [&drawing](const std::string& body) { return drawing.Latent(body); });
  return routes;
}

}  // namespace

void Serve(std::unique_ptr<DigitSource> source, const ServeOptions& options,
           const std::function<void(const std::string&)>& say) {
  if (options.port < 0 || options.port > 65535) {
    BadInput("--port {}: ports are 0 to 65535", options.port);
  }
  Drawing drawing(std::move(source), options);
  WorkQueue queue(kMostWaiting);
  const WebServer server(Routes(drawing, queue), options.port, options.patience);
  const InterruptGuard interrupt;
  say(fmt::format("{} draws at http://127.0.0.1:{}/ until Ctrl-C", options.title, server.port()));
  while (!interrupt.Requested()) queue.DoNext(kBetweenLooks);
  queue.Close();  // or connections would wait for it for ever
}

}  // namespace numeral
