// Images of latents that are given.
#include "inference/digit_source.h"
#include "util/error.h"

namespace numeral {
namespace {

class GivenLatents : public DigitSource {
 public:
  GivenLatents(std::unique_ptr<DigitSource> inner, std::vector<float> latents, std::string name)
      : inner_(std::move(inner)), latents_(std::move(latents)), name_(std::move(name)) {}

  bool KnowsDigits() const override { return true; }
  bool NeedsDigits() const override { return inner_->NeedsDigits(); }
  int64_t latent_size() const override { return inner_->latent_size(); }
  void Restart(uint64_t) override { next_ = 0; }

  DrawnDigits Draw(std::span<const int32_t> digits) override {
    const auto size = static_cast<size_t>(latent_size());
    if ((next_ + digits.size()) * size > latents_.size()) {
      BadInput("{} holds {} latents, {} images are wanted", name_, latents_.size() / size,
               next_ + digits.size());
    }
    const auto rows = std::span(latents_).subspan(next_ * size, digits.size() * size);
    next_ += digits.size();
    return {
        inner_->Render(rows, digits), {digits.begin(), digits.end()}, {rows.begin(), rows.end()}};
  }

  std::vector<uint8_t> Render(std::span<const float> latents,
                              std::span<const int32_t> digits) override {
    return inner_->Render(latents, digits);
  }

 private:
  std::unique_ptr<DigitSource> inner_;
  std::vector<float> latents_;
  std::string name_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<DigitSource> SourceOfLatents(std::unique_ptr<DigitSource> inner,
                                             std::vector<float> latents, const std::string& name) {
  return std::make_unique<GivenLatents>(std::move(inner), std::move(latents), name);
}

}  // namespace numeral
