// A run's folder made by hand, of any kind and in any state.
#pragma once

#include <filesystem>
#include <string>

#include "render/png.h"
#include "tests/catch.h"
#include "tests/data/idx_files.h"

namespace numeral {

inline constexpr const char* kReportedConfig = R"({
  "name": "small",
  "networks": {
    "generator": {
      "inputs": {"z": {"kind": "latent", "size": 4}},
      "layers": [{"type": "dense", "units": 784}, {"type": "tanh"},
                 {"type": "reshape", "shape": [28, 28, 1]}]},
    "discriminator": {
      "inputs": {"image": {"kind": "image"}},
      "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]}},
  "training": {"epochs": 3, "batch_size": 8}})";

inline constexpr const char* kReportedMetrics =
    R"({"epoch":1,"step":8,"seconds":1.5,"images_per_second":100.0,"d_loss":1.25,"g_loss":0.75,"fid_c":50.5}
{"epoch":2,"step":16,"seconds":3.0,"images_per_second":110.0,"d_loss":1.0,"g_loss":0.5,"fid_c":20.25}
{"epoch":3,"step":24,"seconds":4.5,"images_per_second":120.0,"d_loss":0.5,"g_loss":1.5,"fid_c":30.125}
)";

// A picture whose bytes no other `shade` has.
inline GreyImage SamplePixels(int width, int height, int shade) {
  GreyImage image{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    image.pixels.push_back(static_cast<uint8_t>((i * 7 + shade * 40) % 256));
  }
  return image;
}

inline void WriteSample(const std::filesystem::path& dir, int epoch, int width = 60,
                        int height = 40) {
  char name[32];
  std::snprintf(name, sizeof name, "epoch_%04d.png", epoch);
  WriteBytes(dir / "samples" / name, EncodePng(SamplePixels(width, height, epoch)));
}

inline void WriteRun(const std::filesystem::path& dir, const std::string& config = kReportedConfig,
                     const std::string& metrics = kReportedMetrics) {
  WriteBytes(dir / "config.json", config);
  WriteBytes(dir / "metrics.jsonl", metrics);
  for (int epoch = 1; epoch <= 3; ++epoch) WriteSample(dir, epoch);
}

// The first `from`, which must be there.
inline std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace numeral
