// What a checkpoint holds, and how it is read back: Session::Save and Session::Restore.
//
// One safetensors file: every parameter, moment and average under "<network>/<set>/<param>" in file
// order, the sums of the running epoch, and in its metadata the position and the resolved config.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "checkpoint/safetensors.h"
#include "config/json_text.h"
#include "config/parse.h"
#include "inference/network_values.h"
#include "train/session.h"
#include "util/error.h"

namespace numeral {
namespace {

constexpr const char* kFormat = "numeral checkpoint 2";
constexpr const char* kMoments[] = {"first_moment", "second_moment"};

void Append(SafeTensors& file, const Graph& graph, const std::string& prefix,
            const NetworkValues& values) {
  for (size_t i = 0; i < graph.params.size(); ++i) {
    if (values[i].empty()) continue;
    file.tensors.push_back(MakeSafeTensor<float>(prefix + "/" + graph.params[i].name,
                                                 graph.params[i].file_shape, values[i]));
  }
}

const SafeTensor& Require(const SafeTensors& file, const std::string& name, SafeType type,
                          const std::vector<int64_t>& shape, const std::string& source) {
  const SafeTensor* tensor = file.Find(name);
  if (!tensor) BadInput("{}: the checkpoint lacks the tensor \"{}\"", source, name);
  if (tensor->type != type || tensor->shape != shape) {
    BadInput("{}: the tensor \"{}\" is {} {}, not {} {}", source, name, ToString(tensor->type),
             ShapeText(tensor->shape), ToString(type), ShapeText(shape));
  }
  return *tensor;
}

NetworkValues Extract(const SafeTensors& file, const Graph& graph, const std::string& prefix,
                      bool trainable_only, const std::string& source) {
  NetworkValues values;
  for (const Param& param : graph.params) {
    values.emplace_back();
    if (trainable_only && !param.trainable()) continue;
    values.back() = ValuesOf<float>(
        Require(file, prefix + "/" + param.name, SafeType::kF32, param.file_shape, source));
  }
  return values;
}

// The settings that decide what a step computes: all but texts and output, and the run's length
// where no learning rate depends on it.
Json Essence(const Config& config) {
  Json json = ToJson(config);
  for (const char* key : {"name", "description", "output", "evaluation"}) json.erase(key);
  // The files of pairs may move; FingerprintOf says whether they changed.
  if (config.TrainsLatentPredictor()) {
    for (const char* key : {"generator", "classifier", "max_draws"}) json["pairs"].erase(key);
  }
  const TrainingSpec& training = config.training;
  const AdamSpec* const optimizers[] = {&training.generator, &training.discriminator,
                                        &training.classifier, &training.latent_predictor};
  const bool constant = std::all_of(
      std::begin(optimizers), std::end(optimizers),
      [](const AdamSpec* adam) { return adam->schedule.kind == ScheduleSpec::Kind::kConstant; });
  if (constant) json["training"].erase("epochs");
  return json;
}

// The first value in which two documents differ, as a JSON pointer.
std::string FirstDifference(const Json& a, const Json& b) {
  const auto patch = nlohmann::json::diff(nlohmann::json(a), nlohmann::json(b));
  return patch.empty() ? "" : patch[0]["path"].get<std::string>();
}

template <typename T>
T Number(const SafeTensors& file, const std::string& key, const std::string& source) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) BadInput("{}: the checkpoint lacks \"{}\"", source, key);
  const Json json = ParseJsonText(found->second, source + ": " + key);
  const bool fits = std::is_integral_v<T> ? json.is_number_integer() : json.is_number();
  if (!fits) BadInput("{}: \"{}\" is {}, no number of its kind", source, key, json.dump());
  return json.get<T>();
}

}  // namespace

void Session::Save(const std::filesystem::path& path, const RunPosition& position) {
  SafeTensors file;
  file.metadata["format"] = kFormat;
  file.metadata["config"] = ToJson(config_).dump();
  file.metadata["images"] = Json(data_count_).dump();
  if (config_.TrainsLatentPredictor()) file.metadata["pairs"] = pairs_fingerprint_;
  file.metadata["step"] = Json(position.step).dump();
  file.metadata["seconds"] = Json(position.seconds).dump();
  file.metadata["metrics_bytes"] = Json(position.metrics_bytes).dump();
  file.metadata["best_epoch"] = Json(position.best.epoch).dump();
  file.metadata["best_value"] = Json(position.best.value).dump();
  file.metadata["best_since"] = Json(position.best.since).dump();
  file.tensors.push_back(
      MakeSafeTensor<double>("epoch/sums", {kMetricCount}, position.metrics.sums));
  file.tensors.push_back(
      MakeSafeTensor<int64_t>("epoch/counts", {kMetricCount}, position.metrics.counts));
  for (const Graph& graph : networks_) {
    Append(file, graph, graph.name, ReadValues(*executable_, *plan_, graph, graph.name));
    for (const char* moment : kMoments) {
      const std::string block = graph.name + "/" + moment;
      Append(file, graph, block, ReadBlock(*executable_, *plan_, graph, block));
    }
    if (!Averages(graph)) continue;
    const std::string average = graph.name + "/ema";
    Append(file, graph, average, ReadValues(*executable_, *plan_, graph, average));
  }
  // A state that Restore would refuse must not replace a good one.
  try {
    CheckFinite(file, path.string());
  } catch (const Error& error) {
    Fail("{}; the checkpoint was not written", error.what());
  }
  WriteSafeTensors(path, file);
}

namespace {

RunPosition ReadPosition(const SafeTensors& file, const std::string& source) {
  RunPosition position;
  position.step = Number<int64_t>(file, "step", source);
  position.seconds = Number<double>(file, "seconds", source);
  position.metrics_bytes = Number<int64_t>(file, "metrics_bytes", source);
  position.best = {static_cast<int>(Number<int64_t>(file, "best_epoch", source)),
                   Number<double>(file, "best_value", source),
                   Number<int64_t>(file, "best_since", source)};
  if (position.step < 0 || position.metrics_bytes < 0) {
    BadInput("{}: a negative step or length", source);
  }
  const auto sums =
      ValuesOf<double>(Require(file, "epoch/sums", SafeType::kF64, {kMetricCount}, source));
  const auto counts =
      ValuesOf<int64_t>(Require(file, "epoch/counts", SafeType::kI64, {kMetricCount}, source));
  std::copy(sums.begin(), sums.end(), position.metrics.sums.begin());
  std::copy(counts.begin(), counts.end(), position.metrics.counts.begin());
  return position;
}

// Whether what `now` measures can be compared with what was measured before. A run that is resumed
// without an evaluation keeps its best generator.
bool MeasureAlike(const EvaluationSpec& a, const EvaluationSpec& now) {
  if (now.classifier.empty()) return true;
  const EvaluationSpec& b = now;
  return a.classifier == b.classifier && a.judge == b.judge && a.samples == b.samples &&
         a.latent_scale == b.latent_scale && a.best == b.best;
}

// The config that a checkpoint was made with. Refuses files that are none, or of another config.
Config CheckOrigin(const SafeTensors& file, const Config& config, const std::string& source) {
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kFormat) {
    BadInput("{}: not a checkpoint of this version of the program; start a new run", source);
  }
  CheckFinite(file, source);
  const auto text = file.metadata.find("config");
  if (text == file.metadata.end()) BadInput("{}: the checkpoint lacks its config", source);
  Config saved = ParseConfig(ParseJsonText(text->second, source), source, "");
  const std::string difference = FirstDifference(Essence(saved), Essence(config));
  if (!difference.empty()) {
    BadInput(
        "{}: the run was made with another config: {} differs; resume with the run's own "
        "config.json or start a new run",
        source, difference);
  }
  return saved;
}

// The latents that a predictor learns are made again; other weights make other ones.
void CheckPairs(const SafeTensors& file, const Config& config, const std::string& fingerprint,
                const std::string& source) {
  const auto pairs = file.metadata.find("pairs");
  if (pairs != file.metadata.end() && pairs->second == fingerprint) return;
  BadInput(
      "{}: the run began with other pairs than {} and {} give: they are not the weights that "
      "it was started with; bring those back or start a new run",
      source, config.pairs.generator, config.pairs.classifier);
}

}  // namespace

RunPosition Session::Restore(const std::filesystem::path& path) {
  const std::string source = path.string();
  const SafeTensors file = ReadSafeTensors(path);
  const Config saved = CheckOrigin(file, config_, source);
  const auto images = Number<int64_t>(file, "images", source);
  if (images != data_count_) {
    BadInput("{}: the run was made on {} images, not {}; give the same --data-dir", source, images,
             data_count_);
  }
  if (config_.TrainsLatentPredictor()) CheckPairs(file, config_, pairs_fingerprint_, source);
  RunPosition position = ReadPosition(file, source);
  if (!MeasureAlike(saved.evaluation, config_.evaluation)) position.best = {};
  const auto restore = [&](const Graph& graph, const std::string& prefix) {
    WriteValues(*executable_, *plan_, graph, prefix, Extract(file, graph, prefix, false, source));
  };
  for (const Graph& graph : networks_) {
    restore(graph, graph.name);
    for (const char* moment : kMoments) {
      const std::string block = graph.name + "/" + moment;
      WriteBlock(*executable_, *plan_, graph, block, Extract(file, graph, block, true, source));
    }
    if (Averages(graph)) restore(graph, graph.name + "/ema");
  }
  executable_->WriteAll(plan_->FindTensor("step"), std::vector<int64_t>{position.step});
  PrepareWeights();
  return position;
}

}  // namespace numeral
