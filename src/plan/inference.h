// Plans and phases that only run a network forward: drawing images, reading digits.
#pragma once

#include "plan/compile.h"
#include "plan/network_pass.h"

namespace numeral {

// kSample for `rows` images, from the tensors that compile.h lists. `prepare`: the weights `params`
// are used nowhere else, so that their working copies are made here.
void EmitSamplePhase(PlanBuilder& builder, const NetworkState& generator, const ParamSet& params,
                     const PlanOptions& options, bool prepare, int rows);

// A generator alone: kPrepare, and kSample for options.sample_rows images. Its tensors are
// "generator/<param>" and those of the phase.
Plan CompileGeneratorPlan(const Graph& generator, const PlanOptions& options);

// A classifier alone: kPrepare, and kClassify for options.sample_rows images, with
//   "classify.images" f32 [rows] 28x28x1, "classify.logits" f32 [rows], and
//   "classify.features" f32 [rows]: what enters the last layer that has weights, in PyTorch's order
// Throws Error(kBadInput) where the output is not ten flat features, or nothing has weights.
Plan CompileClassifyPlan(const Graph& classifier, const PlanOptions& options);

// A latent predictor alone: kPrepare, and kPredict for options.sample_rows rows, from
//   "predict/<input>" f32 for noise and time, "predict.digits" i32 [rows]
// to "predict.output" f32 [rows].
Plan CompilePredictorPlan(const Graph& predictor, const PlanOptions& options);

// The features' number.
int FeatureCount(const Graph& classifier);

}  // namespace numeral
