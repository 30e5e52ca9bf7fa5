// Where a run keeps its files, and the log of its epochs.
//
//   config.json (resolved)  metrics.jsonl  checkpoint/state.safetensors
//   g.bin  d.bin  samples/epoch_0001.png  best.bin (the best generator, where it is evaluated)
//   c.bin (of a classifier)  l.bin (of a latent predictor)
//   samples/stopped.png (of a run that ended inside an epoch)
//   run.json  losses.svg  losses.png  progress.gif  report.html (by report/)
//
// Loses nothing: a new run never takes the folder of an old one unless told to resume it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace numeral {

// The folder of several runs, which holds a folder for each: explicit_dir, or runs/<name>, numbered
// as those of runs are. runs/latest stays as it is. A new one is refused where runs are in it, one
// to go on with where none of them has a checkpoint. Nothing is made. Throws Error(kBadInput).
std::filesystem::path NewGroupFolder(const std::string& name, const std::string& explicit_dir);
std::filesystem::path ResumedGroupFolder(const std::string& name, const std::string& explicit_dir);

// Whether `dir` is a folder whose run can go on.
bool HasCheckpoint(const std::filesystem::path& dir);

class RunFolder {
 public:
  // A new run. Without `explicit_dir`: runs/<name>, or <name>_2, ... behind the highest number that
  // is there, and runs/latest points at it. Throws Error(kBadInput) where explicit_dir holds a run
  // already or cannot be made, or where another process trains in it.
  static RunFolder Create(const std::string& name, const std::string& explicit_dir);
  // The run to continue: explicit_dir, or runs/<name> with the highest number. Throws
  // Error(kBadInput) where there is no checkpoint.
  static RunFolder Resume(const std::string& name, const std::string& explicit_dir);

  const std::filesystem::path& dir() const { return dir_; }
  std::filesystem::path config() const { return dir_ / "config.json"; }
  std::filesystem::path metrics() const { return dir_ / "metrics.jsonl"; }
  std::filesystem::path sample(int epoch) const;
  std::filesystem::path stopped_sample() const { return dir_ / "samples" / "stopped.png"; }
  // g.bin, d.bin, c.bin, l.bin: by the first letter of the network's name.
  std::filesystem::path weights(const std::string& network) const {
    return dir_ / (network.substr(0, 1) + ".bin");
  }
  std::filesystem::path best_generator() const { return dir_ / "best.bin"; }
  std::filesystem::path checkpoint() const { return dir_ / "checkpoint" / "state.safetensors"; }

  // Appends one line and flushes it to the disk.
  void AppendMetrics(const std::string& line) const;
  // Bytes of metrics.jsonl; 0 where there is none.
  int64_t MetricsBytes() const;
  // Forgets what was logged after a checkpoint. Throws Error(kBadInput) where the file is shorter.
  void TruncateMetrics(int64_t bytes) const;

 private:
  // Locks the folder for the life of this object and its copies.
  explicit RunFolder(std::filesystem::path dir);

  std::filesystem::path dir_;
  std::shared_ptr<const void> lock_;
};

}  // namespace numeral
