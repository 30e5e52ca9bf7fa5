#include "tools/image_output.h"

#include <array>

#include "data/dataset.h"
#include "data/idx_writer.h"
#include "data/npy.h"
#include "inference/latent_file.h"
#include "render/png.h"
#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

template <typename Value>
std::string_view BytesOf(std::span<const Value> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

class Grid : public ImageOutput {
 public:
  Grid(const fs::path& file, GridLayout layout)
      : layout_(Checked(std::move(layout))), file_(file) {}
  void Add(const DrawnDigits& images) override {
    pixels_.insert(pixels_.end(), images.pixels.begin(), images.pixels.end());
  }
  void Finish() override {
    file_.Write(EncodePng(DrawGrid(pixels_, layout_)));
    file_.Commit();
  }

 private:
  static GridLayout Checked(GridLayout layout) {
    CheckLayout(layout);
    return layout;
  }

  GridLayout layout_;
  AtomicFile file_;
  std::vector<uint8_t> pixels_;
};

class Number : public ImageOutput {
 public:
  Number(const fs::path& file, const NumberLayout& layout, bool array)
      : file_(file), layout_(layout), array_(array) {}
  void Add(const DrawnDigits& images) override {
    pixels_.insert(pixels_.end(), images.pixels.begin(), images.pixels.end());
  }
  void Finish() override {
    const GreyImage image = DrawNumber(pixels_, layout_);
    file_.Write(array_ ? ToNpy(image.pixels, {image.height, image.width}) : EncodePng(image));
    file_.Commit();
  }

 private:
  AtomicFile file_;
  NumberLayout layout_;
  bool array_;
  std::vector<uint8_t> pixels_;
};

class Npy : public ImageOutput {
 public:
  Npy(const fs::path& file, int64_t count, bool digits) : images_(file) {
    images_.Write(NpyHeader("|u1", {count, kImageSide, kImageSide}));
    if (!digits) return;
    digits_.emplace(DigitsBeside(file)).Write(NpyHeader("|u1", {count}));
  }
  void Add(const DrawnDigits& images) override {
    images_.Write(BytesOf(std::span(images.pixels)));
    if (!digits_) return;
    const std::vector<uint8_t> digits(images.digits.begin(), images.digits.end());
    digits_->Write(BytesOf(std::span(digits)));
  }
  void Finish() override {
    images_.Commit();
    if (digits_) digits_->Commit();
  }

 private:
  AtomicFile images_;
  std::optional<AtomicFile> digits_;
};

class Idx : public ImageOutput {
 public:
  Idx(const fs::path& folder, int64_t train, int64_t test)
      : train_left_(train), train_(folder, "train", train), test_(folder, "test", test) {}
  void Add(const DrawnDigits& images) override {
    const auto count = static_cast<int64_t>(images.digits.size());
    const auto train = static_cast<size_t>(std::min(count, train_left_));
    train_left_ -= static_cast<int64_t>(train);
    const std::span pixels(images.pixels);
    const std::span digits(images.digits);
    train_.Write(pixels.first(train * kImagePixels), digits.first(train));
    test_.Write(pixels.subspan(train * kImagePixels), digits.subspan(train));
  }
  void Finish() override {
    train_.Commit();
    test_.Commit();
  }

 private:
  int64_t train_left_;
  IdxWriter train_, test_;
};

class Folder : public ImageOutput {
 public:
  Folder(fs::path folder, int64_t per_digit, int64_t latent_size)
      : folder_(std::move(folder)),
        width_(std::max<size_t>(3, std::to_string(per_digit - 1).size())),
        latent_size_(static_cast<size_t>(latent_size)) {
    for (int digit = 0; digit < kDigits; ++digit) {
      const fs::path of_digit = folder_ / std::to_string(digit);
      std::error_code none;
      if (fs::directory_iterator(of_digit, none) != fs::directory_iterator()) {
        BadInput("{} is not empty; name another --fake-dir, or remove it", of_digit.string());
      }
    }
  }
  void Add(const DrawnDigits& images) override {
    for (size_t i = 0; i < images.digits.size(); ++i) {
      const auto digit = static_cast<size_t>(images.digits[i]);
      const fs::path of_digit = folder_ / std::to_string(digit);
      if (written_[digit] == 0) MakeFolder(of_digit);
      const std::string name = fmt::format("{:0{}}", written_[digit]++, width_);
      const auto pixels = images.pixels.begin() + static_cast<int64_t>(i * kImagePixels);
      const GreyImage image{kImageSide, kImageSide, {pixels, pixels + kImagePixels}};
      WriteFileAtomically(of_digit / (name + ".png"), EncodePng(image), Durability::kInCache);
      const auto latent = std::span(images.latents).subspan(i * latent_size_, latent_size_);
      WriteFileAtomically(of_digit / (name + ".txt"), LatentText(latent), Durability::kInCache);
    }
  }
  void Finish() override {}

 private:
  fs::path folder_;
  size_t width_, latent_size_;
  std::array<int64_t, kDigits> written_{};
};

class Latents : public ImageOutput {
 public:
  Latents(const fs::path& file, int64_t count, int64_t latent_size)
      : file_(file, count, latent_size) {}
  void Add(const DrawnDigits& images) override { file_.Write(images.latents); }
  void Finish() override { file_.Commit(); }

 private:
  LatentWriter file_;
};

}  // namespace

fs::path DigitsBeside(const fs::path& file) {
  fs::path beside = file;
  return beside.replace_filename(file.stem().string() + "_digits.npy");
}
std::unique_ptr<ImageOutput> GridOutput(const fs::path& file, const GridLayout& layout) {
  return std::make_unique<Grid>(file, layout);
}
std::unique_ptr<ImageOutput> NumberOutput(const fs::path& file, const NumberLayout& layout,
                                          bool array) {
  return std::make_unique<Number>(file, layout, array);
}
std::unique_ptr<ImageOutput> NpyOutput(const fs::path& file, int64_t count, bool digits) {
  return std::make_unique<Npy>(file, count, digits);
}
std::unique_ptr<ImageOutput> IdxOutput(const fs::path& folder, int64_t train, int64_t test) {
  CheckNoDataset(folder);
  MakeFolder(folder);
  return std::make_unique<Idx>(folder, train, test);
}
std::unique_ptr<ImageOutput> FolderOutput(const fs::path& folder, int64_t per_digit,
                                          int64_t latent_size) {
  return std::make_unique<Folder>(folder, per_digit, latent_size);
}
std::unique_ptr<ImageOutput> LatentsOutput(const fs::path& file, int64_t count,
                                           int64_t latent_size) {
  return std::make_unique<Latents>(file, count, latent_size);
}

}  // namespace numeral
