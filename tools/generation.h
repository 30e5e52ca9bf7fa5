// One call of `generate`: what is drawn, and where it goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/image_output.h"
#include "tools/source_options.h"
#include "util/interrupt.h"

namespace numeral {

struct GenerationOptions {
  SourceOptions source;
  std::string grid, digits, number, interpolate, fake_dir, out, format, save_latents;
  std::string device = "auto";
  int64_t count = 0, test_count = -1, per_digit = 100;
  int random_number = 0, steps = 10, scale = 2;
  int min_spacing = 1, max_spacing = 5, thousands_spacing = 10;
  bool all_digits = false, leading_zero = false, thousands = false, serve = false, quiet = false;
  int port = 8080;
};

inline constexpr int64_t kMostImages = 5'000'000;
inline constexpr int kMostNumberDigits = 1000;

class Generation {
 public:
  // Loads the generator. Throws Error(kBadInput).
  explicit Generation(const GenerationOptions& options);

  // False where SIGINT or SIGTERM ended it early.
  bool Run();

 private:
  // What to draw: the digits in their order, and how a picture lays them out.
  struct Request {
    std::vector<int32_t> digits;
    int64_t rows = 1, columns = 1;
  };

  static Request NearSquare(std::vector<int32_t> digits);
  void Note(const std::string& text) const;
  // --digits, or the ten, or whatever comes where the source cannot be asked.
  std::vector<int32_t> ChosenDigits() const;
  Request FindRequest() const;
  Request OfGivenLatents() const;
  Request OfDataset() const;
  std::filesystem::path Out(const std::string& name) const;
  std::unique_ptr<ImageOutput> OutputOf(const Request& request) const;

  bool DrawImages();
  bool DrawNumberStrip();
  bool DrawInterpolation();
  bool DrawFolder();
  std::string RedrawCommand() const;
  void ServePage();
  std::vector<float> EndOfPath(const std::string& end);
  // Draws in parts, as long as nobody interrupts.
  bool Draw(const std::vector<int32_t>& digits, std::unique_ptr<ImageOutput> output);

  const InterruptGuard interrupt_;  // from before the first file is opened
  GenerationOptions o_;
  std::unique_ptr<Engine> engine_;
  NamedSource source_;
};

}  // namespace numeral
