// A run from its config to its last file: data, engine, session, what judges it, and the loop over
// all that.
//
// Whatever can be refused is refused before Train, which is given the folder. Called by `trainer`,
// once for a run and once for every replica.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "train/quality.h"
#include "train/trainer.h"

namespace numeral {

// What a run reads from data files.
struct RunData {
  Dataset images;                   // none of a latent predictor's, which makes its own
  std::optional<Dataset> held_out;  // what a classifier is tested on at the end
};
// Throws Error(kBadInput).
RunData LoadRunData(const Config& config, const std::filesystem::path& dir);

// The config of a run that goes on in `folder`: judged, and learning from the files, as it was,
// unless `config` says otherwise.
Config ResumedConfig(const RunFolder& folder, Config config);

class PreparedRun {
 public:
  // Where `options` name no number of threads, all that the run computes has as many as pay for its
  // training steps. `data` outlives the run. `shared` is another run's data_memory(), of the same
  // data and device. `note` may be told what takes long. Throws Error(kBadInput).
  PreparedRun(const Config& config, const RunData& data, const std::string& device,
              const EngineOptions& options, const std::function<void(const std::string&)>& note,
              std::shared_ptr<DataMemory> shared = nullptr);

  Session& session() { return *session_; }
  // "60000 images of mnist train".
  std::string Learned() const;
  // Where an engine that can share has the images; nullptr of a latent predictor.
  std::shared_ptr<DataMemory> data_memory() const;

  // TrainOptions::quality and held_out are filled in.
  TrainResult Train(const RunFolder& folder, TrainOptions options);

 private:
  void DrawPairs(const std::function<void(const std::string&)>& note);

  Config config_;
  const RunData& data_;
  std::unique_ptr<Engine> engine_;
  LatentPairs pairs_;
  std::unique_ptr<Session> session_;
  std::optional<QualityMonitor> quality_;
};

}  // namespace numeral
