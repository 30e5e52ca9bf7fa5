// The whole file: text to Config and Config to JSON.
#include <algorithm>
#include <filesystem>

#include "config/json_text.h"
#include "config/object_reader.h"
#include "config/overrides.h"
#include "config/parse.h"
#include "config/sections.h"
#include "util/files.h"

namespace numeral {

using config_detail::BadValue;
using config_detail::ChoiceName;
using config_detail::kTop;
using config_detail::Location;
using config_detail::ObjectReader;

namespace {

constexpr std::size_t kLongestRunName = 100;

// The name becomes a folder beside the link `latest`.
void CheckRunName(const std::string& name, const Location& at) {
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (name.empty() || name.size() > kLongestRunName || !clean || name[0] == '.' || name[0] == '-' ||
      name == "latest") {
    config_detail::BadValue(at,
                            "{} cannot name a run: 1 to {} letters, digits, '_', '-' or '.' do, "
                            "not starting with '-' or '.', and not \"latest\"",
                            config_detail::Quote(name), kLongestRunName);
  }
}

Convention ReadConvention(const Json& json, const Location& at) {
  const ObjectReader reader(json, at, {std::string(kTop)}, Convention::kPyTorch);
  return reader.Choice<Convention>("convention");
}

void ReadNetworks(const ObjectReader& reader, Config& config) {
  const bool classifier = reader.Has("classifier");
  for (const char* name : {"generator", "discriminator"}) {
    if (classifier && reader.Has(name)) {
      BadValue(reader.At(name), "a classifier is trained alone");
    }
    if (!classifier && !reader.Has(name)) {
      BadValue(reader.at(),
               "\"{}\" is missing; a generator and a discriminator, or a classifier, are trained",
               name);
    }
  }
  const auto network = [&](const std::string& name) {
    return config_detail::ReadNetwork(reader.Raw(name), reader.At(name), name, reader.convention());
  };
  if (classifier) {
    config.classifier = network("classifier");
  } else {
    config.generator = network("generator");
    config.discriminator = network("discriminator");
  }
}

void RefuseGeneratorKeys(const ObjectReader& reader) {
  const ObjectReader output = reader.Object("output", config_detail::kOutput);
  for (const char* key : {"sample_every", "accuracy_every", "grid"}) {
    if (output.Has(key)) BadValue(output.At(key), "a classifier draws no images");
  }
  if (reader.Has("evaluation")) {
    BadValue(reader.At("evaluation"), "generators are evaluated, not classifiers");
  }
}

}  // namespace

Config LoadConfig(const std::string& path, const std::vector<Override>& overrides) {
  Json json = ParseJsonText(ReadFile(path), path);
  for (const Override& change : overrides) config_detail::Apply(change, json);
  return ParseConfig(json, path, std::filesystem::path(path).stem().string());
}

Config ParseConfig(const Json& json, const std::string& source, const std::string& default_name) {
  const Location at{source, ""};
  const Convention convention = ReadConvention(json, at);
  const ObjectReader reader(json, at, {std::string(kTop)}, convention);
  if (reader.Has("$schema")) reader.String("$schema");
  Config config;
  config.name = reader.Has("name") ? reader.String("name") : default_name;
  CheckRunName(config.name, reader.At("name"));
  config.description = reader.String("description");
  config.seed = reader.Seed("seed");
  config.convention = convention;
  config.precision = reader.Choice<Precision>("precision");
  config.data = ReadData(reader.Object("data", config_detail::kData));
  ReadNetworks(reader.Object("networks", config_detail::kNetworks), config);
  config.training =
      ReadTraining(reader.Object("training", config_detail::kTraining), config.TrainsClassifier());
  config.output = ReadOutput(reader.Object("output", config_detail::kOutput));
  if (config.TrainsClassifier()) RefuseGeneratorKeys(reader);
  config.evaluation = ReadEvaluation(reader.Object("evaluation", config_detail::kEvaluation));
  config_detail::CheckConfig(config, source);
  return config;
}

Json ToJson(const Config& config) {
  const bool classifier = config.TrainsClassifier();
  Json json = {{"name", config.name},
               {"description", config.description},
               {"seed", config.seed},
               {"convention", ChoiceName(kTop, "convention", config.convention)},
               {"precision", ChoiceName(kTop, "precision", config.precision)},
               {"data", config_detail::WriteData(config.data)},
               {"networks", Json::object()},
               {"training", config_detail::WriteTraining(config.training, classifier)},
               {"output", config_detail::WriteOutput(config.output, classifier)}};
  for (const NetworkSpec* network :
       {&config.generator, &config.discriminator, &config.classifier}) {
    if (network->layers.empty()) continue;
    json["networks"][network->name] = ToJson(*network, config.convention);
  }
  if (!classifier) json["evaluation"] = config_detail::WriteEvaluation(config.evaluation);
  return json;
}

}  // namespace numeral
