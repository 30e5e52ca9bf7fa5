// The plan compiler: two graphs and a training recipe become one Plan.
//
// It derives the gradients (reverse mode, statically), fuses (bias + activation + dropout, batch
// norm + activation, epilogues where the engine has them), runs real and fake images through D as
// one batch where D does not couple its batch, goes back through D once where both losses ask it of
// the same fakes, and places every tensor. Throws Error(kBadInput) where networks do not fit each
// other or the loss.
#pragma once

#include "config/spec.h"
#include "graph/graph.h"
#include "plan/plan.h"

namespace numeral {

struct PlanOptions {
  bool fuse = true;            // false: one op per layer, the meaning of the plan
  bool reuse_memory = true;    // false: every tensor keeps its own memory, so that all can be read
  int kept_ops = 0;            // memory is reused so many ops later: for engines that overlap ops
  bool conv_epilogue = false;  // Capabilities of the engine
  bool dense_epilogue = false;
  Precision precision = Precision::kFp32;  // kBf16: activations are stored so
  int64_t data_count = 0;                  // images in the training set
  int sample_rows = 0;                     // batch of the kSample phase; 0: no such phase
};

// Slots of the metrics ring: the host reads it at least this often, in steps.
inline constexpr int kMetricsRing = 64;

// The names of the persistent and data tensors that the host uses:
//   "step" i64 [1]                      steps begun
//   "metrics" f32 [kMetricsRing][6]     by Metric
//   "accuracy" f32 [1][6]               of the kAccuracy phase
//   "data/images" u8, "data/labels" u8  the training set; of a latent predictor
//   "data/latents" f32, "data/labels" u8
//   "sample/<input>" f32, "sample.digits" i32 [rows], "sample.images" f32 [rows] 28x28x1
//   "<network>/<param>"                 every parameter: "generator/dense.weight"
//   "<network>/params, grads, first_moment, second_moment"  the trainable ones together, and
//   "<network>/buffers"                 the running statistics together
//   "generator/ema/<param>", "generator/ema/params", "generator/ema/buffers" where EMA is on
//   "<network>/grads/<param>"           each trainable parameter's gradient
Plan CompilePlan(const Config& config, const Graph& generator, const Graph& discriminator,
                 const PlanOptions& options);

// A classifier's run: kPrepare and kStep. The names are the same, with "classifier" for <network>,
// and "classifier/ema/..." where EMA is on.
Plan CompileTrainingOfClassifier(const Config& config, const Graph& classifier,
                                 const PlanOptions& options);

// A latent predictor's run: kPrepare and kStep, with "latent_predictor" for <network>.
Plan CompileTrainingOfPredictor(const Config& config, const Graph& predictor,
                                const PlanOptions& options);

// Images that a kSample phase of this config makes at a time: its grid, at most 100.
int SampleRows(const Config& config);
// Batches in an epoch: config.training.steps_per_epoch or as many as the data gives.
int64_t StepsPerEpoch(const Config& config, int64_t data_count);
// Images of the batch of `step` (0-based): smaller for the last batch of an epoch.
int BatchOfStep(const Config& config, int64_t data_count, int64_t step);
// Whether the generator is updated in `step`.
bool GeneratorStep(const Config& config, int64_t step);

}  // namespace numeral
