// Runs side by side in one process: replicas of a config that differ in their seed, or in the digit
// that they draw.
//
// Each is a run of its own in a thread of its own, with its engine, its folder and its log.txt, and
// leaves the files that it would leave alone with as many threads. What they share is the data set:
// once on the host, and once on the device. One that fails ends alone; a signal saves them all.
// Called by `trainer`.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/prepared_run.h"

namespace numeral {

struct Replica {
  std::string name;  // of its folder: "seed_3"
  Config config;
  std::shared_ptr<const RunData> data;  // replicas with the same one share it on the device too
};

struct ReplicasOptions {
  std::string device = "auto";
  // threads: of each replica; 0: as its run had, or an equal part of the cores, as far as it pays.
  EngineOptions engine;
  int at_once = 0;          // 0: as many as the cores have room for; on a GPU all
  TrainOptions train = {};  // of each; what their folders, logs and progress need is filled in
};

struct ReplicaEnd {
  std::optional<TrainResult> result;  // nothing where it failed, or a signal came before its turn
  std::string error;                  // why it failed
};

struct ReplicasResult {
  std::vector<ReplicaEnd> ends;  // [replica]
  std::string engine;            // of each: "CPU, 1 thread, oneDNN 2.6.3"
  int threads = 0;               // of each; 0: no question
  int at_once = 0;
  int sharing = 0;  // of those that ran, how many had one data set on the device
  double seconds = 0;
  int64_t images = 0;  // that all of them trained on
};

// Trains them in folders of `group`. What the first one refuses before it has a folder is thrown,
// for it would hold for all.
ReplicasResult TrainReplicas(const std::vector<Replica>& replicas,
                             const std::filesystem::path& group, const ReplicasOptions& options);

// Writes summary.json, and comparison.html, which lays the runs side by side; returns the table for
// people. Failed ones are left out of the figures.
std::string SummariseReplicas(const std::vector<Replica>& replicas,
                              const std::filesystem::path& group, const ReplicasResult& result);

}  // namespace numeral
