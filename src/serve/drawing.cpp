#include "serve/drawing.h"

#include <algorithm>
#include <utility>

#include "config/parse.h"
#include "inference/latent_file.h"
#include "render/grid.h"
#include "render/png.h"
#include "serve/web_server.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int64_t kLongestNumberText = 26;  // of a double, with its comma

Answer JsonAnswer(int status, const Json& json) {
  // Names of files may be any bytes.
  return {status, "application/json", json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

Answer Caught(const std::function<Answer()>& work) {
  try {
    return work();
  } catch (const Error& error) {
    return Refusal(error.kind() == ErrorKind::kBadInput ? 400 : 500, error.what());
  } catch (const std::exception& error) {
    return Refusal(500, error.what());
  }
}

// Null unless every digit is known.
Json DigitText(const std::vector<int32_t>& digits) {
  std::string text;
  for (const int32_t digit : digits) {
    if (digit == kAnyDigit) return nullptr;
    text += static_cast<char>('0' + digit);
  }
  return text;
}

}  // namespace

Answer Refusal(int status, const std::string& sentence) {
  return JsonAnswer(status, {{"error", sentence}});
}

Drawing::Drawing(std::unique_ptr<DigitSource> source, const ServeOptions& options)
    : source_(std::move(source)), options_(options) {
  const int64_t size = source_->latent_size();
  // Half of the body, so that the rest of a request has its place.
  const int64_t fit = static_cast<int64_t>(kLongestBody) / 2 / (size * kLongestNumberText);
  if (fit == 0) BadInput("{}: latents of {} numbers are too long for a page", options.title, size);
  if (options.seed > kLargestServedSeed) {
    BadInput("--seed {}: the page takes seeds up to {}", options.seed, kLargestServedSeed);
  }
  facts_ = {source_->KnowsDigits(), source_->NeedsDigits(), size, std::min(fit, kMostServedDigits)};
}

Answer Drawing::Info() const {
  return JsonAnswer(200, {{"title", options_.title},
                          {"knows_digits", facts_.knows_digits},
                          {"needs_digits", facts_.needs_digits},
                          {"latent_size", facts_.latent_size},
                          {"most_digits", facts_.most_digits},
                          {"number", options_.number.substr(0, facts_.most_digits)},
                          {"seed", options_.seed},
                          {"redraw_command", options_.redraw_command}});
}

Answer Drawing::Draw(const std::string& request) {
  return Caught([&] {
    const DrawRequest wanted = ParseDrawRequest(request, facts_);
    source_->Restart(wanted.seed);
    const DrawnDigits drawn = source_->Draw(wanted.digits);
    Json rows = Json::array();
    for (auto at = drawn.latents.begin(); at != drawn.latents.end(); at += facts_.latent_size) {
      rows.push_back(std::vector<double>(at, at + facts_.latent_size));
    }
    return JsonAnswer(200, {{"digits", DigitText(drawn.digits)}, {"latents", std::move(rows)}});
  });
}

Answer Drawing::Strip(const std::string& request) {
  return Caught([&] {
    StripRequest wanted = ParseStripRequest(request, facts_);
    const auto& images = Images(std::move(wanted.images));
    return Answer{200, "image/png", EncodePng(DrawNumber(images, wanted.layout))};
  });
}

Answer Drawing::Tiles(const std::string& request) {
  return Caught([&] {
    ImagesRequest wanted = ParseImagesRequest(request, facts_);
    GridLayout layout;
    layout.columns = static_cast<int>(wanted.digits.size());
    layout.scale = 1;
    layout.margin_px = 0;
    return Answer{200, "image/png", EncodePng(DrawGrid(Images(std::move(wanted)), layout))};
  });
}

Answer Drawing::Latent(const std::string& request) const {
  return Caught([&] {
    return Answer{200, "text/plain; charset=utf-8",
                  LatentText(ParseLatentRequest(request, facts_))};
  });
}

const std::vector<uint8_t>& Drawing::Images(ImagesRequest request) {
  if (last_images_.empty() || request.latents != last_.latents || request.digits != last_.digits) {
    last_images_ = source_->Render(request.latents, request.digits);
    last_ = std::move(request);
  }
  return last_images_;
}

}  // namespace numeral
