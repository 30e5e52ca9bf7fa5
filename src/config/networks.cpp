// Networks: their inputs, the names of their layers and what those refer to.
#include <algorithm>
#include <set>

#include "config/nearest.h"
#include "config/object_reader.h"
#include "config/sections.h"
#include "config/values.h"

namespace numeral {
namespace config_detail {
namespace {

constexpr std::size_t kMostInputs = 16;
constexpr std::size_t kMostLayers = 1024;
constexpr std::size_t kMostJoined = 64;
constexpr int kImageSide = 28;
constexpr std::string_view kAnyInput = "/networks/*/inputs/*";
constexpr std::string_view kLatent = "/networks/*/inputs/latent";

InputSpec ReadInput(const Json& json, const Location& at, const std::string& name,
                    Convention convention) {
  CheckName(name, at);
  const ObjectReader reader = ReadKind(json, at, kInputs, "kind", convention);
  InputSpec input{name, reader.Choice<InputSpec::Kind>("kind"), Shape::Flat(kDigits)};
  if (input.kind == InputSpec::Kind::kLatent) {
    input.shape = Shape::Flat(reader.Int("size"));
    input.distribution = reader.Choice<InputSpec::Distribution>("distribution");
  } else if (input.kind == InputSpec::Kind::kImage) {
    input.shape = Shape::Spatial(kImageSide, kImageSide, 1);
  } else if (input.kind == InputSpec::Kind::kTime) {
    input.shape = Shape::Flat(1);
  }
  return input;
}

std::vector<InputSpec> ReadInputs(const ObjectReader& network) {
  const Json& json = network.Raw("inputs");
  const Location at = network.At("inputs");
  if (!json.is_object() || json.empty() || json.size() > kMostInputs) {
    BadValue(at, "expected an object of 1 to {} named inputs, got {}", kMostInputs, Describe(json));
  }
  std::vector<InputSpec> inputs;
  for (const auto& item : json.items()) {
    inputs.push_back(ReadInput(item.value(), at / item.key(), item.key(), network.convention()));
  }
  return inputs;
}

// Gives every layer its name and refuses names used twice.
class Namer {
 public:
  explicit Namer(const std::vector<InputSpec>& inputs) {
    for (const InputSpec& input : inputs) taken_.insert(input.name);
  }

  // Written names come first, so that no layer without one takes a name written further down.
  void Reserve(const std::string& name, const Location& at) {
    if (!taken_.insert(name).second) {
      BadValue(at, "{} is already the name of another layer or input", Quote(name));
    }
  }

  std::string NameFor(const std::string& type) {
    for (int number = 1;; ++number) {
      std::string name = number == 1 ? type : fmt::format("{}_{}", type, number);
      if (taken_.insert(name).second) return name;
    }
  }

 private:
  std::set<std::string> taken_;
};

bool JoinsSeveral(const std::string& type) {
  return type == "concat" || type == "multiply" || type == "add";
}

std::vector<std::string> DefaultInputs(const ObjectReader& reader, const NetworkSpec& network,
                                       const std::string& type) {
  if (JoinsSeveral(type)) {
    BadValue(reader.at(), "\"inputs\" is missing: {} joins two or more layers", type);
  }
  if (!network.layers.empty()) return {network.layers.back().name};
  if (network.inputs.size() > 1) {
    BadValue(reader.at(), "\"inputs\" is missing: the network has {} inputs to choose from",
             network.inputs.size());
  }
  return {network.inputs.front().name};
}

// `network` holds the inputs and the layers before this one.
std::vector<std::string> ReadLayerInputs(const ObjectReader& reader, const NetworkSpec& network,
                                         const std::string& type) {
  if (!reader.Has("inputs")) return DefaultInputs(reader, network, type);
  const Location at = reader.At("inputs");
  std::vector<std::string> names = ReadNames(reader.Raw("inputs"), at, kMostJoined);
  if (JoinsSeveral(type) ? names.size() < 2 : names.size() != 1) {
    BadValue(at, "{} takes {}, got {}", type,
             JoinsSeveral(type) ? "two or more inputs" : "exactly one input", names.size());
  }
  std::vector<std::string> known;
  for (const InputSpec& input : network.inputs) known.push_back(input.name);
  for (const LayerSpec& layer : network.layers) known.push_back(layer.name);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(known.begin(), known.end(), names[i]) == known.end()) {
      BadValue(at / i, "{} is no earlier layer or network input{}", Quote(names[i]),
               Suggest(names[i], known));
    }
  }
  return names;
}

std::vector<ObjectReader> LayerReaders(const ObjectReader& network) {
  const Json& json = network.Raw("layers");
  const Location at = network.At("layers");
  if (!json.is_array() || json.empty() || json.size() > kMostLayers) {
    BadValue(at, "expected a list of 1 to {} layers, got {}", kMostLayers, Describe(json));
  }
  std::vector<ObjectReader> readers;
  for (std::size_t i = 0; i < json.size(); ++i) {
    readers.push_back(ReadKind(json[i], at / i, kLayers, "type", network.convention()));
  }
  return readers;
}

std::vector<std::string> NameLayers(const std::vector<ObjectReader>& layers,
                                    const std::vector<InputSpec>& inputs) {
  Namer namer(inputs);
  std::vector<std::string> names(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!layers[i].Has("name")) continue;
    names[i] = ReadName(layers[i].Raw("name"), layers[i].At("name"));
    namer.Reserve(names[i], layers[i].At("name"));
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (names[i].empty()) names[i] = namer.NameFor(layers[i].ChoiceText("type"));
  }
  return names;
}

// What nothing uses is a mistake in some layer's `inputs`, and would train on no gradient.
void CheckUsed(const NetworkSpec& network, const Location& at) {
  std::set<std::string> used{network.layers.back().name};
  for (const LayerSpec& layer : network.layers) {
    used.insert(layer.inputs.begin(), layer.inputs.end());
  }
  for (const InputSpec& input : network.inputs) {
    if (!used.contains(input.name)) {
      BadValue(at / "inputs" / input.name, "no layer uses this input");
    }
  }
  for (const LayerSpec& layer : network.layers) {
    if (!used.contains(layer.name)) {
      BadValue({at.source, layer.pointer}, "no layer uses the output of {}, and it is not the last",
               Quote(layer.name));
    }
  }
}

}  // namespace

NetworkSpec ReadNetwork(const Json& json, const Location& at, const std::string& name,
                        Convention convention) {
  const ObjectReader reader(json, at, {std::string(kNetwork)}, convention);
  NetworkSpec network{name, ReadInputs(reader), {}};
  const std::vector<ObjectReader> layers = LayerReaders(reader);
  const std::vector<std::string> names = NameLayers(layers, network.inputs);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string& type = layers[i].ChoiceText("type");
    network.layers.push_back({type, names[i], ReadLayerInputs(layers[i], network, type),
                              ReadLayerOp(layers[i]), layers[i].at().pointer});
  }
  CheckUsed(network, at);
  return network;
}

}  // namespace config_detail

NetworkSpec ParseNetwork(const Json& json, const std::string& name, Convention convention,
                         const std::string& source) {
  return config_detail::ReadNetwork(json, {source, ""}, name, convention);
}

Json ToJson(const NetworkSpec& network, Convention convention) {
  using config_detail::ChoiceName;
  Json inputs = Json::object();
  for (const InputSpec& input : network.inputs) {
    Json& json = inputs[input.name];
    json["kind"] = ChoiceName(config_detail::kAnyInput, "kind", input.kind);
    if (input.kind != InputSpec::Kind::kLatent) continue;
    json["size"] = input.shape.c;
    json["distribution"] = ChoiceName(config_detail::kLatent, "distribution", input.distribution);
  }
  Json layers = Json::array();
  for (const LayerSpec& layer : network.layers) {
    Json json = {{"type", layer.type}, {"name", layer.name}, {"inputs", layer.inputs}};
    config_detail::WriteLayerOp(layer.op, convention, json);
    layers.push_back(std::move(json));
  }
  return {{"inputs", std::move(inputs)}, {"layers", std::move(layers)}};
}

}  // namespace numeral
