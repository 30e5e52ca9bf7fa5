// Digits that a classifier agrees with: rejection sampling.
#include <algorithm>
#include <deque>
#include <utility>

#include "data/dataset.h"
#include "inference/digit_source.h"
#include "util/error.h"

namespace numeral {
namespace {

// Found digits that wait to be asked for; more of a common one are thrown away while a rare one is
// looked for. A request is met in parts that are smaller.
constexpr size_t kMostWaiting = 2000, kMostAtOnce = 1000;
static_assert(kMostAtOnce + Generator::kRows <= kMostWaiting);

class Judged : public DigitSource {
 public:
  Judged(std::unique_ptr<DigitSource> inner, Classifier classifier, double min_confidence)
      : inner_(std::move(inner)),
        classifier_(std::move(classifier)),
        min_confidence_(min_confidence) {}

  bool KnowsDigits() const override { return true; }
  bool NeedsDigits() const override { return inner_->NeedsDigits(); }
  int64_t latent_size() const override { return inner_->latent_size(); }
  void Restart(uint64_t seed) override {
    inner_->Restart(seed);
    for (auto& waiting : waiting_) waiting.clear();
    found_ = 0;
  }

  DrawnDigits Draw(std::span<const int32_t> digits) override {
    DrawnDigits drawn;
    for (size_t first = 0; first < digits.size(); first += kMostAtOnce) {
      const auto part = digits.subspan(first, std::min(kMostAtOnce, digits.size() - first));
      Find(part);
      // Digits that are named first: nothing else will do for them.
      std::vector<Found> taken(part.size());
      for (size_t i = 0; i < part.size(); ++i) {
        if (part[i] != kAnyDigit) taken[i] = Take(waiting_[static_cast<size_t>(part[i])]);
      }
      for (size_t i = 0; i < part.size(); ++i) {
        if (part[i] == kAnyDigit) taken[i] = Take(EarliestWaiting());
      }
      for (const Found& found : taken) drawn.Append(found.image);
    }
    return drawn;
  }

  std::vector<uint8_t> Render(std::span<const float> latents,
                              std::span<const int32_t> digits) override {
    return inner_->Render(latents, digits);
  }

 private:
  struct Found {
    int64_t number = 0;  // in the order of the stream
    DrawnDigits image;
  };

  // How many of each digit, and of any, are missing for a request.
  struct Missing {
    std::array<int64_t, kDigits> of_digit{};
    int64_t of_any = 0;
    // Images that are still wanted; what is there beyond that counts for nothing.
    int64_t Count() const {
      int64_t count = std::max<int64_t>(of_any, 0);
      for (const int64_t n : of_digit) count += std::max<int64_t>(n, 0);
      return count;
    }
  };

  Missing CountMissing(std::span<const int32_t> digits) const {
    Missing missing;
    for (const int32_t digit : digits) {
      if (digit == kAnyDigit) {
        ++missing.of_any;
      } else {
        if (digit < 0 || digit >= kDigits) BadInput("digit {} is not one of 0 to 9", digit);
        ++missing.of_digit[static_cast<size_t>(digit)];
      }
    }
    for (size_t digit = 0; digit < kDigits; ++digit) {
      const auto waiting = static_cast<int64_t>(waiting_[digit].size());
      const int64_t wanted =
          std::exchange(missing.of_digit[digit], missing.of_digit[digit] - waiting);
      missing.of_any -= std::max<int64_t>(0, waiting - wanted);
    }
    return missing;
  }

  void Find(std::span<const int32_t> digits) {
    int64_t misses = 0;
    for (Missing missing = CountMissing(digits); missing.Count() > 0;) {
      const std::vector<int32_t> asked = Candidates(missing);
      Sort(inner_->Draw(asked));
      const Missing now = CountMissing(digits);
      misses = now.Count() < missing.Count() ? 0 : misses + static_cast<int64_t>(asked.size());
      if (misses >= kMostMisses) GiveUp(now);
      missing = now;
    }
  }

  // Of a source that knows digits only those that are missing are asked for, as many as cost no
  // more than one.
  std::vector<int32_t> Candidates(const Missing& missing) const {
    if (!inner_->KnowsDigits()) return std::vector<int32_t>(Generator::kRows, kAnyDigit);
    std::vector<int32_t> asked(static_cast<size_t>(std::max<int64_t>(missing.of_any, 0)),
                               kAnyDigit);
    for (size_t digit = 0; digit < kDigits; ++digit) {
      const int64_t wanted = std::max<int64_t>(missing.of_digit[digit], 0);
      asked.insert(asked.end(), static_cast<size_t>(wanted), static_cast<int32_t>(digit));
    }
    const size_t once = asked.size();
    while (asked.size() < Generator::kRows) asked.push_back(asked[asked.size() - once]);
    return asked;
  }

  // Keeps those candidates that are read as what they should be.
  void Sort(const DrawnDigits& candidates) {
    const Readings readings = classifier_.Read(candidates.pixels);
    const auto size = static_cast<int64_t>(latent_size());
    for (int64_t i = 0; i < readings.count; ++i) {
      const auto at = static_cast<size_t>(i);
      const int digit = readings.digits[at];
      const double sure = readings.probabilities[at * kDigits + static_cast<size_t>(digit)];
      std::deque<Found>& waiting = waiting_[static_cast<size_t>(digit)];
      const int32_t wanted = candidates.digits[at];
      const bool right = wanted == kAnyDigit || wanted == digit;
      if (!right || sure < min_confidence_ || waiting.size() >= kMostWaiting) continue;
      const auto pixels = candidates.pixels.begin() + i * kImagePixels;
      const auto latents = candidates.latents.begin() + i * size;
      waiting.push_back(
          {found_++, {{pixels, pixels + kImagePixels}, {digit}, {latents, latents + size}}});
    }
  }

  static Found Take(std::deque<Found>& waiting) {
    NUMERAL_CHECK(!waiting.empty());
    Found found = std::move(waiting.front());
    waiting.pop_front();
    return found;
  }

  std::deque<Found>& EarliestWaiting() {
    std::deque<Found>* earliest = nullptr;
    for (std::deque<Found>& waiting : waiting_) {
      if (waiting.empty()) continue;
      if (earliest == nullptr || waiting.front().number < earliest->front().number) {
        earliest = &waiting;
      }
    }
    NUMERAL_CHECK(earliest != nullptr);
    return *earliest;
  }

  [[noreturn]] void GiveUp(const Missing& missing) const {
    std::string wanted = "digit";
    for (size_t digit = 0; digit < kDigits; ++digit) {
      if (missing.of_digit[digit] > 0) wanted = std::to_string(digit);
    }
    if (min_confidence_ > 0) {
      Fail(
          "{} images in a row without a {} that the classifier is {:.0f}% sure of; lower "
          "--min-confidence or train the generator further",
          kMostMisses, wanted, 100 * min_confidence_);
    }
    Fail("{} images in a row in which the classifier reads no {}; train the generator further",
         kMostMisses, wanted);
  }

  std::unique_ptr<DigitSource> inner_;
  Classifier classifier_;
  double min_confidence_;
  std::array<std::deque<Found>, kDigits> waiting_;
  int64_t found_ = 0;
};

}  // namespace

std::unique_ptr<DigitSource> JudgedSource(std::unique_ptr<DigitSource> inner, Classifier classifier,
                                          double min_confidence) {
  return std::make_unique<Judged>(std::move(inner), std::move(classifier), min_confidence);
}

}  // namespace numeral
