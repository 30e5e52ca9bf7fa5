#include "checkpoint/weights.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include "checkpoint/safetensors.h"
#include "config/json_text.h"
#include "config/parse.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr const char* kFormat = "format";
constexpr const char* kNetwork = "network";
constexpr const char* kRole = "role";
constexpr const char* kConvention = "convention";
constexpr const char* kPixelRange = "pixel_range";

using Metadata = std::map<std::string, std::string>;

Metadata Describe(const NetworkDescription& description) {
  const auto& [network, convention, range] = description;
  return {{kFormat, "pt"},
          {kNetwork, ToJson(network, convention).dump()},
          {kRole, network.name},
          {kConvention, convention == Convention::kKeras ? "keras" : "pytorch"},
          {kPixelRange, fmt::format("{},{}", range[0], range[1])}};
}

const std::string& Require(const Metadata& metadata, const char* key, const std::string& source) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) {
    BadInput("{}: the metadata hold a network but no \"{}\"", source, key);
  }
  return found->second;
}

Convention ReadConvention(const std::string& text, const std::string& source) {
  if (text == "pytorch") return Convention::kPyTorch;
  if (text == "keras") return Convention::kKeras;
  BadInput("{}: metadata \"{}\" is {}, neither \"pytorch\" nor \"keras\"", source, kConvention,
           QuotedName(text));
}

std::array<double, 2> ReadPixelRange(const std::string& text, const std::string& source) {
  std::array<double, 2> range{};
  const char* const end = text.data() + text.size();
  const auto low = std::from_chars(text.data(), end, range[0]);
  const bool comma = low.ec == std::errc() && low.ptr != end && *low.ptr == ',';
  const auto high = std::from_chars(comma ? low.ptr + 1 : end, end, range[1]);
  const bool complete = comma && high.ec == std::errc() && high.ptr == end;
  if (complete && std::isfinite(range[0]) && std::isfinite(range[1]) && range[0] < range[1]) {
    return range;
  }
  BadInput("{}: metadata \"{}\" is {}, not two rising numbers such as \"-1,1\"", source,
           kPixelRange, QuotedName(text));
}

// The role becomes part of file names and messages.
std::string ReadRole(const std::string& text, const std::string& source) {
  constexpr size_t kLongest = 64;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!text.empty() && text.size() <= kLongest && std::all_of(text.begin(), text.end(), plain)) {
    return text;
  }
  BadInput("{}: metadata \"{}\" is {}, not a network's name such as \"generator\"", source, kRole,
           QuotedName(text));
}

NetworkDescription ReadDescription(const Metadata& metadata,
                                   const std::optional<NetworkDescription>& if_absent,
                                   const std::string& source) {
  const auto network = metadata.find(kNetwork);
  if (network == metadata.end()) {
    if (if_absent) return *if_absent;
    BadInput("{}: the file does not say which network it belongs to; give that network's config",
             source);
  }
  NetworkDescription description;
  const std::string role = ReadRole(Require(metadata, kRole, source), source);
  description.convention = ReadConvention(Require(metadata, kConvention, source), source);
  description.pixel_range = ReadPixelRange(Require(metadata, kPixelRange, source), source);
  const std::string where = fmt::format("{}: metadata \"{}\"", source, kNetwork);
  description.network =
      ParseNetwork(ParseJsonText(network->second, where), role, description.convention, where);
  return description;
}

std::vector<float> Narrowed(const SafeTensor& tensor, const std::string& source) {
  const std::vector<double> wide = ValuesOf<double>(tensor);
  std::vector<float> values(wide.begin(), wide.end());
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float v) { return std::isinf(v); });
  if (bad != values.end()) {
    const auto element = bad - values.begin();
    BadInput("{}: tensor {} holds {} at element {}, beyond the range of F32", source,
             QuotedName(tensor.name), wide[static_cast<size_t>(element)], element);
  }
  return values;
}

std::vector<float> FloatsOf(const SafeTensor& tensor, const std::string& source) {
  if (tensor.type == SafeType::kF32) return ValuesOf<float>(tensor);
  if (tensor.type == SafeType::kF64) return Narrowed(tensor, source);
  BadInput("{}: tensor {} holds {} elements; weights are F32 or F64", source,
           QuotedName(tensor.name), ToString(tensor.type));
}

// PyTorch's batch norm counts its batches in the state; nothing here depends on that number.
bool IsBatchCounter(std::string_view name) {
  return name == "num_batches_tracked" || name.ends_with(".num_batches_tracked");
}

std::string Listed(const std::vector<std::string>& problems) {
  constexpr size_t kMost = 5;
  const auto shown = std::span(problems).first(std::min(problems.size(), kMost));
  std::string text = fmt::format("{}", fmt::join(shown, "; "));
  if (problems.size() > kMost) text += fmt::format("; and {} more", problems.size() - kMost);
  return text;
}

std::vector<std::string> Mismatches(const Graph& graph, const Weights& weights) {
  std::vector<std::string> problems;
  std::map<std::string_view, const Param*> known;
  for (const Param& param : graph.params) {
    known[param.name] = &param;
    const auto found = weights.tensors.find(param.name);
    const std::string shape = ShapeText(param.file_shape);
    if (found == weights.tensors.end()) {
      problems.push_back(fmt::format("{} {} is missing", QuotedName(param.name), shape));
    } else if (found->second.shape != param.file_shape) {
      problems.push_back(fmt::format("{} is {}, not {}", QuotedName(param.name),
                                     ShapeText(found->second.shape), shape));
    }
  }
  for (const auto& [name, tensor] : weights.tensors) {
    if (known.contains(name)) continue;
    problems.push_back(
        fmt::format("{} {} is not of this network", QuotedName(name), ShapeText(tensor.shape)));
  }
  return problems;
}

}  // namespace

void SaveWeights(const std::filesystem::path& path, const NetworkDescription& description,
                 const Graph& graph, const std::vector<std::vector<float>>& values,
                 const std::map<std::string, std::string>& extra) {
  NUMERAL_CHECK(values.size() == graph.params.size());
  SafeTensors file;
  file.metadata = Describe(description);
  for (const auto& [key, value] : extra) {
    const bool is_new = file.metadata.emplace(key, value).second;
    NUMERAL_CHECK(is_new);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const Param& param = graph.params[i];
    if (!std::all_of(values[i].begin(), values[i].end(),
                     [](float v) { return std::isfinite(v); })) {
      Fail(
          "{} is not written: {} of the {} has become infinite or NaN; "
          "try a lower learning rate",
          path.string(), param.name, graph.name);
    }
    file.tensors.push_back(MakeSafeTensor<float>(param.name, param.file_shape, values[i]));
  }
  WriteSafeTensors(path, file);
}

Weights LoadWeights(const std::filesystem::path& path,
                    const std::optional<NetworkDescription>& if_absent) {
  Weights weights;
  weights.source = path.string();
  SafeTensors file = ReadSafeTensors(path);
  CheckFinite(file, weights.source);
  weights.description = ReadDescription(file.metadata, if_absent, weights.source);
  weights.metadata = std::move(file.metadata);
  for (SafeTensor& tensor : file.tensors) {
    if (IsBatchCounter(tensor.name)) continue;
    std::vector<float> values = FloatsOf(tensor, weights.source);
    weights.tensors[tensor.name] = {std::move(tensor.shape), std::move(values)};
  }
  return weights;
}

std::vector<std::vector<float>> MatchWeights(const Graph& graph, const Weights& weights) {
  const std::vector<std::string> problems = Mismatches(graph, weights);
  if (!problems.empty()) {
    BadInput("{} does not fit the network \"{}\": {}", weights.source, graph.name,
             Listed(problems));
  }
  std::vector<std::vector<float>> values;
  values.reserve(graph.params.size());
  for (const Param& param : graph.params) values.push_back(weights.tensors.at(param.name).values);
  return values;
}

}  // namespace numeral
