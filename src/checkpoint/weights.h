// The weights of one network in a file that is enough to run it (`g.bin`, `d.bin`, `c.bin`).
//
// Owns: what a weights file says beside its tensors. The tensors have PyTorch's names, shapes and
// order, so load_state_dict reads them on an equivalent module; the metadata hold
//   format       "pt", as PyTorch's own safetensors library writes
//   network      the network as JSON, `role` its name and `convention` what its defaults mean
//   pixel_range  "-1,1": what the pixel values 0 and 255 are for this network
// Refuses: files without a network where the caller brings none, values that are not finite,
// tensors that do not fit the graph. Called by the training loop, by evaluation and by everything
// that draws.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/spec.h"
#include "graph/graph.h"

namespace numeral {

// What has to be known of a network before its weights mean anything.
struct NetworkDescription {
  NetworkSpec network;
  Convention convention = Convention::kPyTorch;
  std::array<double, 2> pixel_range{-1, 1};
};

struct WeightTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;  // in file order
};

struct Weights {
  std::string source;  // the file, for messages
  NetworkDescription description;
  std::map<std::string, std::string> metadata;  // all of it
  std::map<std::string, WeightTensor> tensors;  // by name
};

// `values[i]` are those of graph.params[i], in file order. `extra` joins the metadata and may not
// use the keys above. Throws Error(kFailure) when the disk fails or a value is not finite, which
// leaves the last good file in place.
void SaveWeights(const std::filesystem::path& path, const NetworkDescription& description,
                 const Graph& graph, const std::vector<std::vector<float>>& values,
                 const std::map<std::string, std::string>& extra = {});

// A file that describes its network is believed; `if_absent` stands in for files that do not, such
// as those written by PyTorch. F64 is rounded to F32, and batch norm's `num_batches_tracked` is
// left out. Throws Error(kBadInput).
Weights LoadWeights(const std::filesystem::path& path,
                    const std::optional<NetworkDescription>& if_absent = {});

// The values for graph.params in their order, each in file order. Throws Error(kBadInput) naming
// the tensors that are missing, foreign or of another shape.
std::vector<std::vector<float>> MatchWeights(const Graph& graph, const Weights& weights);

}  // namespace numeral
