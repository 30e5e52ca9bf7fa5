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
  const auto network = [&](const std::string& name) {
    return config_detail::ReadNetwork(reader.Raw(name), reader.At(name), name, reader.convention());
  };
  const auto read_alone = [&](const char* name, const char* what, NetworkSpec& alone) {
    for (const char* other : {"generator", "discriminator", "classifier", "latent_predictor"}) {
      if (std::string_view(other) != name && reader.Has(other)) {
        BadValue(reader.At(other), "{} is trained alone", what);
      }
    }
    alone = network(name);
  };
  if (reader.Has("classifier")) return read_alone("classifier", "a classifier", config.classifier);
  if (reader.Has("latent_predictor")) {
    return read_alone("latent_predictor", "a latent predictor", config.latent_predictor);
  }
  for (const char* name : {"generator", "discriminator"}) {
    if (!reader.Has(name)) {
      BadValue(reader.at(),
               "\"{}\" is missing; a generator and a discriminator, a classifier, or a latent "
               "predictor are trained",
               name);
    }
  }
  config.generator = network("generator");
  config.discriminator = network("discriminator");
}

// Keys that mean nothing for what is trained.
void RefuseForeignKeys(const ObjectReader& reader, RunKind kind) {
  if (kind != RunKind::kLatentPredictor && reader.Has("pairs")) {
    BadValue(reader.At("pairs"), "pairs are what a latent predictor learns");
  }
  if (kind == RunKind::kLatentPredictor && reader.Has("data")) {
    BadValue(reader.At("data"), "a latent predictor learns /pairs, no images");
  }
  if (kind == RunKind::kGan) return;
  const char* what = kind == RunKind::kClassifier ? "classifier" : "latent predictor";
  const ObjectReader output = reader.Object("output", config_detail::kOutput);
  for (const char* key : {"sample_every", "accuracy_every", "grid"}) {
    if (output.Has(key)) BadValue(output.At(key), "a {} draws no images", what);
  }
  if (reader.Has("evaluation")) {
    BadValue(reader.At("evaluation"), "generators are evaluated, not {}s", what);
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
  RefuseForeignKeys(reader, config.kind());
  config.training =
      ReadTraining(reader.Object("training", config_detail::kTraining), config.kind());
  config.output = ReadOutput(reader.Object("output", config_detail::kOutput));
  config.pairs = ReadPairs(reader.Object("pairs", config_detail::kPairs));
  config.evaluation = ReadEvaluation(reader.Object("evaluation", config_detail::kEvaluation));
  config_detail::CheckConfig(config, source);
  return config;
}

Json ToJson(const Config& config) {
  const RunKind kind = config.kind();
  Json json = {{"name", config.name},
               {"description", config.description},
               {"seed", config.seed},
               {"convention", ChoiceName(kTop, "convention", config.convention)},
               {"precision", ChoiceName(kTop, "precision", config.precision)}};
  if (kind == RunKind::kLatentPredictor) {
    json["pairs"] = config_detail::WritePairs(config.pairs);
  } else {
    json["data"] = config_detail::WriteData(config.data);
  }
  for (const NetworkSpec* network : config.Networks()) {
    json["networks"][network->name] = ToJson(*network, config.convention);
  }
  json["training"] = config_detail::WriteTraining(config.training, kind);
  json["output"] = config_detail::WriteOutput(config.output, kind);
  if (kind == RunKind::kGan) json["evaluation"] = config_detail::WriteEvaluation(config.evaluation);
  return json;
}

}  // namespace numeral
