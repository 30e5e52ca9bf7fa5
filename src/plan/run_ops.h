// What the training of any kind of network shares: the data, the step counter and the metrics, and
// the ops that read a batch and update weights.
#pragma once

#include <functional>
#include <string>

#include "plan/compile.h"
#include "plan/network_state.h"

namespace numeral {

// The tensors of a run that outlive a phase, beside those of its networks.
struct RunTensors {
  TensorId step = kNoTensor, metrics = kNoTensor;
  TensorId data_images = kNoTensor;   // or
  TensorId data_latents = kNoTensor;  // of a latent predictor
  TensorId data_labels = kNoTensor;
  int64_t data_count = 0, steps_per_epoch = 0;
};

RunTensors DeclareRunTensors(PlanBuilder& builder, const Config& config, int64_t data_count);
// The same on pairs of a latent of `latent_size` features and a digit.
RunTensors DeclarePairTensors(PlanBuilder& builder, const Config& config, int64_t data_count,
                              int latent_size);

// The next batch of the shuffled data into `images` and `digits`.
void EmitGather(PlanBuilder& builder, const Config& config, const RunTensors& run, TensorId images,
                TensorId digits, const std::string& label);

// The next batch of the shuffled pairs into `latents` and `digits`.
void EmitGatherPairs(PlanBuilder& builder, const Config& config, const RunTensors& run,
                     TensorId latents, TensorId digits, const std::string& label);

// Refreshes the working copies of all weights of a set.
void EmitPrepareWeights(PlanBuilder& builder, const Graph& graph, const ParamSet& params);

// Adam on a whole network; an update in every `period` steps, `updates` in the run.
void EmitUpdate(PlanBuilder& builder, const NetworkState& network, const AdamSpec& adam,
                int64_t period, int64_t updates, TensorId step, const std::string& prefix);

// Moves the average towards the weights, where the network has one.
void EmitAverage(PlanBuilder& builder, const NetworkState& network, double decay,
                 const std::string& label);

// The plan of a run that trains `graph` alone: kPrepare, and a kStep for each size of batch, which
// `emit_step` emits for so many rows.
Plan FinishRunOfOne(PlanBuilder& builder, const Config& config, const Graph& graph,
                    const RunTensors& run, const PlanOptions& options,
                    const std::function<void(const NetworkState&, int)>& emit_step);

}  // namespace numeral
