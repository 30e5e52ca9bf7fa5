// The answers to what the page asks, from a digit source.
//
// Owns: the source, and the images that were made last, because the page asks for them as a strip
// and as tiles. For one thread, the one that draws. Never throws: what goes wrong becomes an answer
// with a sentence, 400 for bad requests, 500 where the source fails. Called by the server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "serve/answer.h"
#include "serve/requests.h"
#include "serve/server.h"

namespace numeral {

// Of one request, fewer where the latents of so many would not fit into its body.
inline constexpr int64_t kMostServedDigits = 60;

class Drawing {
 public:
  // Throws Error(kBadInput) for latents that are too long, and a seed too large, to be sent.
  Drawing(std::unique_ptr<DigitSource> source, const ServeOptions& options);

  // What the page must know to begin.
  Answer Info() const;
  // The digits of a seed: {"digits": "2026" or null, "latents": [[...], ...]}, numbers that read
  // back as the same floats.
  Answer Draw(const std::string& request);
  // Given latents as one PNG: the number, or the images [28][28] side by side.
  Answer Strip(const std::string& request);
  Answer Tiles(const std::string& request);
  // The text of a latent file.
  Answer Latent(const std::string& request) const;

 private:
  const std::vector<uint8_t>& Images(ImagesRequest request);

  std::unique_ptr<DigitSource> source_;
  const ServeOptions options_;
  SourceFacts facts_;
  ImagesRequest last_;
  std::vector<uint8_t> last_images_;
};

}  // namespace numeral
