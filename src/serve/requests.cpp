#include "serve/requests.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string_view>

#include "config/json_text.h"
#include "inference/digit_source.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr int kWidestSpacing = 200, kLargestScale = 32;
constexpr double kLargestLatent = 1000;  // far beyond what is ever drawn, and still no overflow

// An object all of whose keys are known.
class Fields {
 public:
  Fields(const Json& json, std::string name, std::initializer_list<std::string_view> known)
      : json_(json), name_(std::move(name)) {
    if (!json.is_object()) BadInput("{} must be a JSON object", name_);
    for (const auto& item : json.items()) {
      if (std::ranges::find(known, item.key()) != known.end()) continue;
      BadInput("{} has an unknown key \"{}\"", name_, item.key().substr(0, 40));
    }
  }

  // Null is as good as missing.
  bool Has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }
  const Json& At(const char* key) const {
    if (!Has(key)) BadInput("{} lacks \"{}\"", name_, key);
    return json_.at(key);
  }

  int64_t Whole(const char* key, int64_t least, int64_t most) const {
    const Json& value = At(key);
    const bool fits = value.is_number_unsigned()
                          ? value.get<uint64_t>() <= static_cast<uint64_t>(most)
                          : value.is_number_integer() && value.get<int64_t>() <= most;
    if (!fits || value.get<int64_t>() < least) {
      BadInput("\"{}\" must be a whole number from {} to {}", key, least, most);
    }
    return value.get<int64_t>();
  }

  uint64_t Seed() const { return static_cast<uint64_t>(Whole("seed", 0, kLargestServedSeed)); }

  std::vector<int32_t> Digits(int64_t most) const {
    const Json& value = At("digits");
    if (!value.is_string()) BadInput("\"digits\" must be a string of digits, such as \"2026\"");
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty()) BadInput("there is no digit to draw");
    if (text.find_first_not_of("0123456789") != std::string::npos) {
      BadInput("a number has the digits 0 to 9 and nothing else");
    }
    if (static_cast<int64_t>(text.size()) > most) {
      BadInput("a number of {} digits is too long; {} is the most", text.size(), most);
    }
    std::vector<int32_t> digits;
    for (const char c : text) digits.push_back(c - '0');
    return digits;
  }

 private:
  const Json& json_;
  std::string name_;
};

void AppendLatent(const Json& row, int64_t size, std::vector<float>& latents) {
  if (!row.is_array() || static_cast<int64_t>(row.size()) != size) {
    BadInput("a latent must be a list of {} numbers", size);
  }
  for (const Json& value : row) {
    if (!value.is_number() || !(std::abs(value.get<double>()) <= kLargestLatent)) {
      BadInput("the numbers of a latent must lie between {} and {}", -kLargestLatent,
               kLargestLatent);
    }
    latents.push_back(static_cast<float>(value.get<double>()));
  }
}

ImagesRequest ReadImages(const Fields& fields, const SourceFacts& facts) {
  const Json& rows = fields.At("latents");
  if (!rows.is_array() || rows.empty()) BadInput("\"latents\" must be a list of latents");
  if (static_cast<int64_t>(rows.size()) > facts.most_digits) {
    BadInput("{} latents are too many; {} are the most", rows.size(), facts.most_digits);
  }
  ImagesRequest request;
  for (const Json& row : rows) AppendLatent(row, facts.latent_size, request.latents);
  if (facts.needs_digits || fields.Has("digits")) {
    request.digits = fields.Digits(facts.most_digits);
  } else {
    request.digits.assign(rows.size(), kAnyDigit);
  }
  if (request.digits.size() != rows.size()) {
    BadInput("there are {} digits and {} latents; each digit takes one", request.digits.size(),
             rows.size());
  }
  return request;
}

NumberLayout ReadLayout(const Json& json) {
  const Fields fields(json, "\"layout\"",
                      {"min_spacing", "max_spacing", "thousands_spacing", "scale", "seed"});
  NumberLayout layout;
  const auto read = [&](const char* key, int least, int most, int& value) {
    if (fields.Has(key)) value = static_cast<int>(fields.Whole(key, least, most));
  };
  read("min_spacing", 0, kWidestSpacing, layout.min_spacing);
  read("max_spacing", 0, kWidestSpacing, layout.max_spacing);
  read("thousands_spacing", 0, kWidestSpacing, layout.thousands_spacing);
  read("scale", 1, kLargestScale, layout.scale);
  if (fields.Has("seed")) layout.seed = fields.Seed();
  if (layout.min_spacing > layout.max_spacing) {
    BadInput("the smallest spacing, {}, is larger than the largest, {}", layout.min_spacing,
             layout.max_spacing);
  }
  return layout;
}

Json Parse(const std::string& text) { return ParseJsonText(text, "the request"); }

}  // namespace

DrawRequest ParseDrawRequest(const std::string& text, const SourceFacts& facts) {
  const Json json = Parse(text);
  const Fields fields(json, "the request", {facts.knows_digits ? "digits" : "count", "seed"});
  DrawRequest request;
  request.seed = fields.Seed();
  if (facts.knows_digits) {
    request.digits = fields.Digits(facts.most_digits);
  } else {
    const int64_t count = fields.Whole("count", 1, facts.most_digits);
    request.digits.assign(static_cast<size_t>(count), kAnyDigit);
  }
  return request;
}

ImagesRequest ParseImagesRequest(const std::string& text, const SourceFacts& facts) {
  const Json json = Parse(text);
  return ReadImages(Fields(json, "the request", {"latents", "digits"}), facts);
}

StripRequest ParseStripRequest(const std::string& text, const SourceFacts& facts) {
  const Json json = Parse(text);
  const Fields fields(json, "the request", {"latents", "digits", "layout"});
  StripRequest request{ReadImages(fields, facts), {}};
  if (fields.Has("layout")) request.layout = ReadLayout(fields.At("layout"));
  return request;
}

std::vector<float> ParseLatentRequest(const std::string& text, const SourceFacts& facts) {
  const Json json = Parse(text);
  const Fields fields(json, "the request", {"latent"});
  std::vector<float> latent;
  AppendLatent(fields.At("latent"), facts.latent_size, latent);
  return latent;
}

}  // namespace numeral
