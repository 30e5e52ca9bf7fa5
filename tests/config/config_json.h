// Small configs for tests, and what is said about broken ones.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/json_text.h"
#include "config/parse.h"
#include "tests/util/expect_error.h"

namespace numeral {

// Only what has no default; conditional, with two layers in the generator and three in the
// discriminator.
inline Json SmallConfig() {
  return ParseJsonText(R"({
    "networks": {
      "generator": {
        "inputs": {"z": {"kind": "latent", "size": 8}, "digit": {"kind": "digit"}},
        "layers": [
          {"type": "concat", "inputs": ["z", "digit"]},
          {"type": "dense", "units": 784},
          {"type": "reshape", "shape": [28, 28, 1]}
        ]
      },
      "discriminator": {
        "inputs": {"image": {"kind": "image"}},
        "layers": [
          {"type": "conv", "filters": 4, "kernel": 3},
          {"type": "leaky_relu"},
          {"type": "flatten"},
          {"type": "dense", "units": 1}
        ]
      }
    }
  })",
                       "small");
}

using Changes = std::vector<std::pair<std::string, Json>>;

inline Json Changed(const Changes& changes) {
  Json json = SmallConfig();
  for (const auto& [pointer, value] : changes) json[Json::json_pointer(pointer)] = value;
  return json;
}

inline Config Parsed(const Changes& changes) {
  return ParseConfig(Changed(changes), "x.json", "x");
}

inline std::string Refusal(const Changes& changes) {
  return MessageOf(ErrorKind::kBadInput, [&] { Parsed(changes); });
}

// A network of one input and the given layers; what LayerOf gives is the first of them.
inline Json Network(const Json& layers) {
  return {{"inputs", {{"x", {{"kind", "image"}}}}}, {"layers", layers}};
}

inline LayerSpec LayerOf(const std::string& layer, Convention convention = Convention::kPyTorch) {
  const Json layers = Json::array({ParseJsonText(layer, "layer")});
  return ParseNetwork(Network(layers), "net", convention, "net.json").layers.at(0);
}

inline std::string LayerRefusal(const std::string& layer) {
  return MessageOf(ErrorKind::kBadInput, [&] { LayerOf(layer); });
}

}  // namespace numeral
