// The phases of an adversarial run, as sequences of network passes, losses and updates.
#pragma once

#include "plan/compile.h"
#include "plan/network_pass.h"
#include "plan/run_ops.h"

namespace numeral {

inline constexpr int kAccuracyRows = 100;  // images of each kind in an accuracy check

// What outlives a phase.
struct RunState : RunTensors {
  NetworkState generator, discriminator;
  TensorId accuracy = kNoTensor;
};

RunState DeclareRun(PlanBuilder& builder, const Config& config, const Graph& generator,
                    const Graph& discriminator, int64_t data_count);

// Emits phases into the builder. The names of random streams are chosen here and nowhere else:
//   "shuffle", "shift"; "latents", "digits" of the fakes that D sees (and G's update, where fakes
//   are reused); "latents/generator", "digits/generator" of fresh fakes for G's update; a further
//   latent input adds
//   ".<input>" to the name;
//   "accuracy/..." the same for accuracy checks; "dropout/<network>/<layer>/<pass>" with pass
//   "real", "fake" or "generator".
class TrainingPhases {
 public:
  TrainingPhases(PlanBuilder& builder, const Config& config, const RunState& state,
                 const PlanOptions& options);

  void Prepare();
  // kStep, or kDStep and kGStep where D is updated more often than G, for batches of `rows` images.
  void Train(int rows);
  void Sample(int rows);
  void CheckAccuracy();

 private:
  // A batch of generated images and what made them.
  struct Fakes {
    NetworkPass pass;
    TensorId images = kNoTensor;
    TensorId digits = kNoTensor;  // i32 labels or kNoTensor
    int rows = 0;
  };
  // Images of a D update: real ones first, fakes behind them, in one tensor.
  struct Batch {
    TensorId images = kNoTensor, digits = kNoTensor;
    TensorId real = kNoTensor, fake = kNoTensor;                // rows of images
    TensorId real_digits = kNoTensor, fake_digits = kNoTensor;  // rows of digits
    int rows = 0;                                               // of each kind
  };
  // The D pass that judged fakes, which are its rows from first_row on, and G's loss of them.
  struct FakeScores {
    NetworkPass pass;
    TensorId generator_grad = kNoTensor;  // of the loss by the logits, where it was asked for
    int first_row = 0;
    // D's loss by the fakes, where generator_grad is in multiples of its gradient by the logits.
    TensorId image_grad = kNoTensor;
  };

  void Simultaneous(int rows);
  void GeneratorFirst(int rows);
  void DiscriminatorFirst(int rows);

  Batch DeclareBatch(int rows);
  void GatherReal(const Batch& batch);
  // Runs G on fresh latents; with `into`, the images (and digits) are written there.
  Fakes MakeFakes(const std::string& purpose, int rows, TensorId into, TensorId digits_into,
                  bool training);
  NetworkPass DiscriminatorPass(const std::string& name, std::vector<PassRows> rows, bool training);
  std::vector<TensorId> DiscriminatorInputs(const std::string& name, TensorId images,
                                            TensorId digits, int rows);

  // D's loss and gradients on a batch. Where D does not couple its batch, real and fake images go
  // through as one. `for_generator` asks for G's loss too, which comes right behind D's: an engine
  // may do neighbouring losses at once.
  FakeScores DiscriminatorGradients(const Batch& batch, bool for_generator);
  FakeScores DiscriminatorGradientsApart(LossPart part, const Batch& batch, bool for_generator);
  // A D pass of its own over the fakes, and G's loss.
  FakeScores ScoreFakes(const Fakes& fakes);
  // G's loss of logits for fakes; returns the gradient by them, in multiples of that of D's where
  // `relative` says so.
  TensorId GeneratorLoss(TensorId logits, TensorId digits, int rows, bool relative);
  // G's gradients through the pass that scored its images.
  void GeneratorGradients(Fakes& fakes, FakeScores& scores);
  // ScoreFakes, GeneratorGradients and the update.
  void TrainGenerator(Fakes& fakes);
  void EmitLoss(LossPart part, TensorId logits, TensorId digits, TensorId grad, Metric metric,
                bool add, bool relative = false);
  void EmitAccuracy(LossPart part, TensorId logits, TensorId digits, TensorId metrics,
                    TensorId step);

  void UpdateGenerator();
  void UpdateDiscriminator();

  std::string Prefixed(const std::string& name) const { return phase_ + "/" + name; }

  PlanBuilder& builder_;
  const Config& config_;
  const RunState& state_;
  const PlanOptions& options_;
  int discriminator_image_;  // input index
  bool labelled_;            // fakes have digits: the loss or a network needs them
  std::string phase_;        // name of the current phase
};

}  // namespace numeral
