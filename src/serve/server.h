// A page to play with a generator: type a number, see it drawn, drag its latents.
//
// Owns: the page, what it asks for, and the thread that draws: the caller's own. Listens on
// 127.0.0.1 alone. Called by `generate --serve`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "inference/digit_source.h"

namespace numeral {

struct ServeOptions {
  int port = 8080;    // 0: any that is free
  uint64_t seed = 1;  // of the first drawing
  std::string title;  // what draws: "runs/cgan/g.bin"
  std::string number =
      "1234567890";  // drawn at first; its length, where digits cannot be asked for
  // What draws a latent again, where " --latents FILE" follows and, if need be, " --digits D".
  std::string redraw_command;
  // A request must arrive within it, and so must its answer be taken.
  std::chrono::milliseconds patience{10'000};
};

// Serves until SIGINT or SIGTERM, whoever is connected then; a picture that is being drawn is
// finished first. `say` is told the address. Throws Error(kBadInput) for a port that is taken.
void Serve(std::unique_ptr<DigitSource> source, const ServeOptions& options,
           const std::function<void(const std::string&)>& say);

}  // namespace numeral
