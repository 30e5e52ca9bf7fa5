// What a run left in its folder, read back: config, epochs, sample pictures, evaluation, run.json.
//
// Refuses, naming file and line: a folder that is no run's, a config that is none, a line of
// metrics.jsonl that is no epoch's. Runs of every kind and age are welcome: any figure may be
// absent, and all files but config.json. Called by everything that shows a run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/parse.h"
#include "graph/graph.h"

namespace numeral {

// One line of metrics.jsonl. A figure that is null or no number counts as not measured.
struct EpochRecord {
  int64_t epoch = 0, step = 0;
  Json values;  // the whole line

  std::optional<double> Value(const std::string& key) const;
};

struct SamplePicture {
  int64_t epoch = 0;
  std::filesystem::path path;
};

struct RunRecord {
  std::filesystem::path dir;
  std::string label;  // the folder's name, for people
  Config config;
  std::vector<Graph> networks;
  std::vector<EpochRecord> epochs;     // in the file's order
  std::vector<SamplePicture> samples;  // by epoch
  Json evaluation;                     // of evaluation/evaluation.json; null where there is none
  Json facts;                          // of run.json; null where there is none

  std::filesystem::path evaluation_dir() const { return dir / "evaluation"; }
  // Figures that some epoch measured, in the order of KnownMetrics, unknown ones behind.
  std::vector<std::string> MeasuredKeys() const;
  std::optional<double> Last(const std::string& key) const;
  // Whether the config's epochs are done, as far as the files tell.
  bool Finished() const;
  // trainer .../config.json --run-dir ...: gives the same weights again.
  std::string RepeatCommand() const;
};

// Throws Error(kBadInput).
RunRecord ReadRun(const std::filesystem::path& dir);

// At most `most` of them, evenly spread; the first and the last are kept.
std::vector<SamplePicture> Spread(const std::vector<SamplePicture>& samples, size_t most);

// A number at a JSON pointer; nothing where there is none.
std::optional<double> NumberAt(const Json& json, const std::string& pointer);
std::string TextAt(const Json& json, const std::string& pointer);

}  // namespace numeral
