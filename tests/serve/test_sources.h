// Digit sources without a network: quick, slow and failing ones.
#pragma once

#include <atomic>
#include <cmath>
#include <future>
#include <set>
#include <stdexcept>
#include <thread>

#include "data/dataset.h"
#include "inference/digit_source.h"
#include "util/error.h"

namespace numeral {

// What happened to a PlainSource, for the test to see after it went to the server.
struct SourceWatch {
  std::atomic<bool> busy = false, met = false;  // met: two threads at a time
  std::set<std::thread::id> threads;
  std::promise<void> began;        // a 9 is being drawn
  std::shared_future<void> go_on;  // and comes when this does, where it is set
};

// Knows digits; an image follows from its latent and digit. A 7 fails, an 8 breaks.
class PlainSource : public DigitSource {
 public:
  explicit PlainSource(std::shared_ptr<SourceWatch> watch = std::make_shared<SourceWatch>(),
                       int64_t latent_size = 3)
      : watch_(std::move(watch)), latent_size_(latent_size) {}

  bool KnowsDigits() const override { return true; }
  bool NeedsDigits() const override { return true; }
  int64_t latent_size() const override { return latent_size_; }
  void Restart(uint64_t seed) override {
    seed_ = seed;
    next_ = 0;
  }

  DrawnDigits Draw(std::span<const int32_t> digits) override {
    DrawnDigits drawn{{}, {digits.begin(), digits.end()}, {}};
    for (const int32_t digit : digits) {
      if (digit == 7) Fail("no 7 comes");
      if (digit == 8) throw std::runtime_error("an 8 breaks \xff things");
      if (digit == 9 && watch_->go_on.valid()) {
        watch_->began.set_value();
        watch_->go_on.wait();
      }
      for (int64_t i = 0; i < latent_size_; ++i) {
        drawn.latents.push_back(
            std::sin(static_cast<float>(seed_ * 100 + next_ * 10) + static_cast<float>(i) / 7));
      }
      ++next_;
    }
    drawn.pixels = Render(drawn.latents, digits);
    return drawn;
  }

  std::vector<uint8_t> Render(std::span<const float> latents,
                              std::span<const int32_t> digits) override {
    if (watch_->busy.exchange(true)) watch_->met = true;
    watch_->threads.insert(std::this_thread::get_id());
    std::vector<uint8_t> pixels;
    for (size_t n = 0; n < digits.size(); ++n) {
      const float* latent = &latents[n * static_cast<size_t>(latent_size_)];
      for (size_t i = 0; i < kImagePixels; ++i) {
        const float wave = std::sin(latent[0] * static_cast<float>(i) + latent[1]);
        pixels.push_back(static_cast<uint8_t>(100 + 100 * wave + 5 * digits[n]));
      }
    }
    watch_->busy = false;
    return pixels;
  }

 private:
  std::shared_ptr<SourceWatch> watch_;
  int64_t latent_size_;
  uint64_t seed_ = 1;
  uint64_t next_ = 0;
};

}  // namespace numeral
