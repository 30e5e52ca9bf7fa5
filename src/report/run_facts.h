// run.json: what a run's config does not say of it. Which command began it, on which machine, by
// which versions, when; and each time that it was resumed.
//
// Holds times, so two runs never have the same one. A run that is resumed takes its number of
// threads from here, which may decide the last bits of sums; nothing else is read to train. Written
// by the training loop, read by the report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace numeral {

// What the program that trains knows of itself.
struct RunFacts {
  std::string command;   // as typed, quoted for a shell
  std::string data_dir;  // as it was resolved
  std::string device;    // as asked for: "auto"
  std::string engine;    // "CPU, 2 threads, oneDNN 2.6.3"
  int threads = 0;       // of the processor, in all that the run computes; 0: no question
  int64_t steps_per_epoch = 0;
};

// Writes <dir>/run.json anew.
void RecordStart(const std::filesystem::path& dir, const RunFacts& facts);
// Adds to it that the run goes on from `step`, or begins one where there is none that can be read.
void RecordResume(const std::filesystem::path& dir, const RunFacts& facts, int64_t step);

// More threads than this are asked for by mistake.
inline constexpr int kMostThreads = 4096;

// The threads that the run in `dir` had last; 0 where nobody knows.
int RecordedThreads(const std::filesystem::path& dir);

}  // namespace numeral
