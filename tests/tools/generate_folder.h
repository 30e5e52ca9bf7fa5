// A user's working folder for generate: generators of every kind and a classifier.
#pragma once

#include <algorithm>
#include <set>

#include "data/dataset.h"
#include "inference/digit_source.h"
#include "render/grid.h"
#include "render/number.h"
#include "render/png.h"
#include "tests/data/idx_files.h"
#include "tests/inference/linear_classifier.h"
#include "tests/inference/made_generators.h"
#include "tests/tools/run_tool.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {

namespace fs = std::filesystem;

inline constexpr int kLatentSize = 6;

// g.bin draws the digit that it is asked for, u.bin whatever comes, ten/<digit>.bin one each;
// c.bin reads their noise as digits, l.bin finds latents of digits for u.bin.
class GenerateFolder {
 public:
  GenerateFolder() {
    WriteVividGenerator(path() / "g.bin", true, 4);
    WriteVividGenerator(path() / "u.bin", false, 5);
    WriteLinearClassifier(path() / "c.bin");
    fs::create_directory(path() / "ten");
    for (int digit = 0; digit < kDigits; ++digit) {
      WriteVividGenerator(path() / "ten" / (std::to_string(digit) + ".bin"), false,
                          static_cast<uint64_t>(30 + digit));
    }
    WritePredictor(path() / "l.bin", true, kLatentSize);
    given_ = Files();
  }
  const fs::path& path() const { return folder_.path(); }

  // A call that must work.
  void Run(std::vector<std::string> args) const {
    args.insert(args.begin(), "--quiet");
    last = RunTool("generate", args, path());
    INFO(last.err);
    REQUIRE(last.status == 0);
    CHECK(last.err.empty());
    CHECK(last.out.empty());
  }

  // Bad input gets one line and leaves no file.
  void Refuse(std::vector<std::string> args, std::initializer_list<std::string> mentions,
              int status = 2, rlim_t longest_file = RLIM_INFINITY) const {
    std::string line;
    for (const std::string& arg : args) line += " " + arg;
    args.insert(args.begin(), "--quiet");
    last = RunTool("generate", args, path(), longest_file);
    INFO("generate" << line.substr(0, 200) << "\n" << last.err);
    CHECK(last.status == status);
    CHECK(std::count(last.err.begin(), last.err.end(), '\n') == 1);
    CheckMentions(last.err, mentions);
    CHECK(NewFiles().empty());
  }

  // Files that were not there at first, of all folders.
  std::set<std::string> NewFiles() const {
    std::set<std::string> files = Files();
    for (const std::string& file : given_) files.erase(file);
    files.erase("stdout.txt");
    files.erase("stderr.txt");
    return files;
  }
  void Remove(const std::string& name) const { fs::remove_all(path() / name); }
  // What a test puts there itself.
  void Give(const std::string& name, const std::string& bytes) {
    WriteBytes(path() / name, bytes);
    given_.insert(name);
  }
  std::string Bytes(const std::string& name) const { return ReadFile(path() / name); }

  // The sources themselves.
  std::unique_ptr<DigitSource> Source(const std::string& name, double scale = 1,
                                      int32_t only_digit = kAnyDigit) const {
    return SourceOfGenerator(LoadWeights(path() / name), *engine_, scale, only_digit);
  }
  std::unique_ptr<DigitSource> Judged(std::unique_ptr<DigitSource> inner, double confidence) const {
    return JudgedSource(std::move(inner), Classifier(LoadWeights(path() / "c.bin"), *engine_),
                        confidence);
  }
  std::unique_ptr<DigitSource> Predicted() const {
    return PredictedSource(Source("u.bin"), LoadWeights(path() / "l.bin"), *engine_);
  }
  std::unique_ptr<DigitSource> Ten() const {
    std::array<Weights, kDigits> weights;
    for (size_t digit = 0; digit < kDigits; ++digit) {
      weights[digit] = LoadWeights(path() / "ten" / (std::to_string(digit) + ".bin"));
    }
    return SourceOfTen(weights, *engine_, 1);
  }

  mutable ToolResult last;

 private:
  std::set<std::string> Files() const {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(path())) {
      if (!entry.is_directory()) files.insert(entry.path().lexically_relative(path()).string());
    }
    return files;
  }

  TempFolder folder_;
  std::set<std::string> given_;
  std::unique_ptr<Engine> engine_ = MakeCpuEngine();
};

inline std::vector<int32_t> AnyDigits(size_t count) {
  return std::vector<int32_t>(count, kAnyDigit);
}

// Each digit so many times, one after the other.
inline std::vector<int32_t> RowsOf(const std::vector<int32_t>& digits, size_t each) {
  std::vector<int32_t> rows;
  for (const int32_t digit : digits) rows.insert(rows.end(), each, digit);
  return rows;
}

// The bytes of generate's picture of rows and columns.
inline std::string GridPng(const std::vector<uint8_t>& pixels, int rows, int columns,
                           int scale = 2) {
  return EncodePng(DrawGrid(pixels, {.rows = rows, .columns = columns, .scale = scale}));
}

// The values of an array of bytes, whose header must be as numpy writes it.
inline std::vector<uint8_t> NpyBytes(const std::string& file, const std::string& shape) {
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': " + shape + ", }";
  REQUIRE(file.size() >= 128);
  CHECK(file.substr(10, header.size()) == header);
  CHECK(file[127] == '\n');
  return {file.begin() + 128, file.end()};
}

}  // namespace numeral
