#include "inference/latent_file.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "data/npy.h"
#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void RefuseSuffix(const fs::path& file) {
  BadInput("{}: latents are in .txt (one number per line) or .npy files", file.string());
}

std::string_view Trimmed(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t begin = line.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kBlank) - begin + 1);
}

std::vector<float> ParseText(const fs::path& file, std::string_view text) {
  std::vector<float> values;
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = Trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    float value = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc() || rest != line.data() + line.size()) {
      BadInput("{}: line {} is no number: \"{}\"", file.string(), number, line.substr(0, 40));
    }
    values.push_back(value);
  }
  return values;
}

void CheckFinite(const fs::path& file, std::span<const float> values, int64_t size) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    const auto row = static_cast<int64_t>(i) / size, feature = static_cast<int64_t>(i) % size;
    BadInput("{}: number {} of latent {} is {}; only finite ones make an image", file.string(),
             feature + 1, row + 1, values[i]);
  }
}

// Whether a file of `count` latents is one of text.
bool IsText(const fs::path& file, int64_t count) {
  if (file.extension() == ".npy") return false;
  if (file.extension() != ".txt") RefuseSuffix(file);
  if (count != 1) {
    BadInput("{}: a .txt file holds one latent, there are {}; name a .npy file", file.string(),
             count);
  }
  return true;
}

}  // namespace

std::vector<float> ReadLatents(const fs::path& file, int64_t size) {
  std::vector<float> values;
  int64_t row = 0;
  if (file.extension() == ".txt") {
    values = ParseText(file, ReadFile(file));
    row = static_cast<int64_t>(values.size());
  } else if (file.extension() == ".npy") {
    FloatArray array = ReadNpyFloats(file);
    values = std::move(array.values);
    row = array.shape.back();
  } else {
    RefuseSuffix(file);
  }
  if (row != size) {
    BadInput("{}: a latent of {} numbers; the generator takes {}", file.string(), row, size);
  }
  if (values.empty()) BadInput("{} holds no latent", file.string());
  CheckFinite(file, values, size);
  return values;
}

LatentWriter::LatentWriter(const fs::path& file, int64_t count, int64_t size)
    : text_(IsText(file, count)), left_(count * size), file_(file) {
  if (!text_) file_.Write(NpyHeader("<f4", {count, size}));
}

void LatentWriter::Write(std::span<const float> latents) {
  left_ -= static_cast<int64_t>(latents.size());
  if (text_) return file_.Write(LatentText(latents));
  file_.Write({reinterpret_cast<const char*>(latents.data()), latents.size_bytes()});
}

void LatentWriter::Commit() {
  NUMERAL_CHECK(left_ == 0);
  file_.Commit();
}

std::string LatentText(std::span<const float> latent) {
  std::string text;
  for (const float value : latent) text += fmt::format("{}\n", value);
  return text;
}

}  // namespace numeral
