// What a run left behind, without what the clock decides.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "config/parse.h"
#include "tests/catch.h"
#include "util/files.h"

namespace numeral {

inline std::vector<Json> MetricsIn(const std::filesystem::path& dir) {
  std::vector<Json> lines;
  std::istringstream text(ReadFile(dir / "metrics.jsonl"));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(Json::parse(line));
    lines.back().erase("seconds");
    lines.back().erase("images_per_second");
  }
  return lines;
}

// A bool, so that a failure does not print them.
inline bool SameBytes(const std::filesystem::path& a, const std::filesystem::path& b) {
  return ReadFile(a) == ReadFile(b);
}

inline void CheckSameFiles(const std::filesystem::path& a, const std::filesystem::path& b,
                           std::initializer_list<std::string> names) {
  for (const std::string& name : names) {
    INFO(name);
    CHECK(SameBytes(a / name, b / name));
  }
}

// Seconds, and the length of a file that holds them, aside.
inline void CheckSameCheckpoint(const std::filesystem::path& a, const std::filesystem::path& b) {
  SafeTensors files[] = {ReadSafeTensors(a / "checkpoint/state.safetensors"),
                         ReadSafeTensors(b / "checkpoint/state.safetensors")};
  for (SafeTensors& file : files) {
    CHECK(file.metadata.erase("seconds") == 1);
    CHECK(file.metadata.erase("metrics_bytes") == 1);
  }
  CHECK(files[0].metadata == files[1].metadata);
  REQUIRE(files[0].tensors.size() == files[1].tensors.size());
  for (size_t i = 0; i < files[0].tensors.size(); ++i) {
    INFO(files[0].tensors[i].name);
    CHECK(files[0].tensors[i].name == files[1].tensors[i].name);
    CHECK(files[0].tensors[i].shape == files[1].tensors[i].shape);
    const bool same_bytes = files[0].tensors[i].bytes == files[1].tensors[i].bytes;
    CHECK(same_bytes);
  }
}

}  // namespace numeral
