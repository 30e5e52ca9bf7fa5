// One convolution as a graph of cuDNN's backend API: what engines it offers, and their plans.
//
// Owns the descriptors and the rule of which engines are admissible. Needs no GPU where the target
// is only described. Used by convolution.cpp and by the test that asks cuDNN for all plans.
#pragma once

#include <cudnn_graph.h>

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cuda/lib/convolution_problem.h"
#include "cuda/lib/cudnn_descriptor.h"
#include "cuda/lib/plan_cache.h"

namespace numeral::cuda {

// The device that plans are for: that of a handle, or one of which only the properties are known.
class Target {
 public:
  explicit Target(cudnnHandle_t handle) : handle_(handle) {}
  explicit Target(const std::string& properties_json);

  // Each sets the attribute where it is what the target is known by, else nothing.
  void SetHandle(Descriptor& descriptor, cudnnBackendAttributeName_t name) const;
  void SetProperties(Descriptor& descriptor, cudnnBackendAttributeName_t name) const;

 private:
  cudnnHandle_t handle_ = nullptr;
  std::optional<Descriptor> properties_;
};

std::string Describe(const EngineChoice& choice);

struct ExecutionPlan {
  EngineChoice choice;
  Descriptor config;
  Descriptor plan;
  size_t workspace_bytes;
};

// Plans that need more are not admissible.
inline constexpr size_t kMaxWorkspaceBytes = size_t{256} << 20;

// The ids of the tensors in a variant pack.
enum ConvTensorId : int64_t { kImageId = 1, kWeightId, kFeaturesId };

class ConvolutionGraph {
 public:
  // `alignment_bytes`: of all three tensors. `target` must outlive the graph.
  ConvolutionGraph(const ConvProblem& problem, int alignment_bytes, const Target& target);

  // What cuDNN's heuristics offer that is admissible, builds and fits the limit of workspace: the
  // first `at_most` of them, without repetition, best guess first. Throws where there is none.
  std::vector<ExecutionPlan> AdmissiblePlans(
      size_t at_most = std::numeric_limits<size_t>::max()) const;
  // The plan of a choice; nothing, with the reason in `refusal`, where it is not admissible or
  // cuDNN does not build it.
  std::optional<ExecutionPlan> Build(const EngineChoice& choice, std::string& refusal) const;

 private:
  // What a heuristic offers, admissible or not.
  std::vector<EngineChoice> Offers(cudnnBackendHeurMode_t heuristic) const;
  // The engine's configuration; throws where it is not admissible.
  Descriptor Configure(const EngineChoice& choice) const;

  ConvProblem problem_;
  const Target& target_;
  std::vector<Descriptor> tensors_;
  Descriptor convolution_, operation_, graph_;
};

}  // namespace numeral::cuda
