#include "tests/plan/small_configs.h"

namespace numeral {

namespace {

// Transposed convolutions with "same" padding behind a reshape: the features come in another order.
const char* const kUpwards = R"({"inputs": {"z": {"kind": "latent", "size": 3}}, "layers": [
    {"type": "dense", "units": 98, "bias": false}, {"type": "batch_norm"}, {"type": "leaky_relu"},
    {"type": "reshape", "shape": [7, 7, 2]},
    {"type": "conv_transpose", "filters": 2, "kernel": 3, "stride": 2, "padding": "same"},
    {"type": "batch_norm"}, {"type": "relu"}, {"type": "dropout", "rate": 0.25},
    {"type": "conv_transpose", "filters": 1, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "tanh"}]})";

// Ends with a reshape of a product; two latent inputs, one uniform.
const char* const kProducts = R"({"inputs": {"z": {"kind": "latent", "size": 3},
    "u": {"kind": "latent", "size": 2, "distribution": "uniform"}}, "layers": [
    {"name": "both", "type": "concat", "inputs": ["z", "u"]},
    {"type": "dense", "units": 4}, {"type": "tanh"}, {"type": "dropout", "rate": 0.2},
    {"type": "dense", "units": 784}, {"type": "sigmoid"},
    {"type": "reshape", "shape": [28, 28, 1]}]})";

// A digit that selects, adds and gates; branches read again at other resolutions.
const char* const kBranches = R"({"inputs": {"z": {"kind": "latent", "size": 4},
    "digit": {"kind": "digit"}}, "layers": [
    {"name": "selector", "type": "dense", "inputs": ["digit"], "units": 4},
    {"name": "selected", "type": "multiply", "inputs": ["z", "selector"]},
    {"name": "project", "type": "dense", "units": 98, "bias": false},
    {"name": "path", "type": "dense", "inputs": ["digit"], "units": 98, "bias": false},
    {"name": "merged", "type": "add", "inputs": ["project", "path"]},
    {"type": "batch_norm"}, {"type": "leaky_relu", "slope": 0.2},
    {"name": "seed", "type": "reshape", "shape": [7, 7, 2]},
    {"name": "gate", "type": "dense", "inputs": ["digit"], "units": 2}, {"type": "sigmoid"},
    {"name": "gated", "type": "multiply", "inputs": ["seed", "sigmoid"]},
    {"name": "low", "type": "upsample", "factor": 2},
    {"type": "conv", "filters": 4, "kernel": 3, "padding": 1},
    {"name": "shuffled", "type": "pixel_shuffle", "factor": 2},
    {"name": "full", "type": "upsample", "inputs": ["low"], "factor": 2},
    {"name": "all", "type": "concat", "inputs": ["shuffled", "full", "shuffled"]},
    {"type": "conv", "filters": 1, "kernel": 3, "padding": 1},
    {"name": "sum", "type": "add", "inputs": ["conv_2", "shuffled"]}, {"type": "tanh"}]})";

// Strided convolutions with dropout; flattened in another order than stored.
const char* const kDownwards = R"({"inputs": {"image": {"kind": "image"}}, "layers": [
    {"type": "conv", "filters": 2, "kernel": 5, "stride": 2, "padding": "same"},
    {"type": "leaky_relu", "slope": 0.3}, {"type": "dropout", "rate": 0.3},
    {"type": "conv", "filters": 3, "kernel": [3, 4], "stride": [2, 3], "padding": [1, 0, 0, 2]},
    {"type": "leaky_relu", "slope": 0.3}, {"type": "dropout", "rate": 0.3},
    {"type": "flatten"}, {"type": "dense", "units": 1}]})";

// Batch norm couples the rows of a batch: real and fake go through apart.
const char* const kNormed = R"({"inputs": {"image": {"kind": "image"}}, "layers": [
    {"type": "conv", "filters": 2, "kernel": 4, "stride": 4}, {"type": "batch_norm"},
    {"type": "leaky_relu", "slope": 0.2}, {"type": "dropout", "rate": 0.2},
    {"type": "flatten"}, {"type": "dense", "units": 3},
    {"type": "batch_norm"}, {"type": "tanh"}, {"type": "dense", "units": 1}]})";

// Maxima at three resolutions; ten outputs.
const char* const kMaxima = R"({"inputs": {"image": {"kind": "image"}}, "layers": [
    {"name": "high_conv", "type": "conv", "filters": 2, "kernel": 3, "padding": 1},
    {"name": "high", "type": "leaky_relu", "slope": 0.2},
    {"name": "mid", "type": "max_pool", "kernel": 3, "stride": 2, "padding": 1},
    {"name": "low_conv", "type": "conv", "filters": 3, "kernel": 3, "stride": 2, "padding": 1},
    {"name": "low", "type": "relu"},
    {"name": "high_score", "type": "global_max_pool", "inputs": ["high"]},
    {"name": "mid_score", "type": "global_max_pool", "inputs": ["mid"]},
    {"name": "low_score", "type": "global_max_pool", "inputs": ["low"]},
    {"name": "scores", "type": "concat", "inputs": ["high_score", "mid_score", "low_score"]},
    {"type": "dense", "units": 10}]})";

// Looks at the digit: flat features of an image joined with, and added to, plain ones; read back as
// an image; eleven outputs.
const char* const kOrders = R"({"inputs": {"image": {"kind": "image"}, "digit": {"kind": "digit"}},
    "layers": [
    {"type": "conv", "inputs": ["image"], "filters": 2, "kernel": 4, "stride": 7}, {"type": "tanh"},
    {"name": "flat", "type": "flatten"},
    {"name": "wide", "type": "dense", "inputs": ["digit"], "units": 32},
    {"name": "mixed", "type": "add", "inputs": ["wide", "flat"]},
    {"name": "scaled", "type": "multiply", "inputs": ["mixed", "flat"]},
    {"name": "joined", "type": "concat", "inputs": ["scaled", "digit", "flat"]},
    {"name": "image_again", "type": "reshape", "inputs": ["mixed"], "shape": [4, 2, 4]},
    {"name": "narrow", "type": "conv", "filters": 2, "kernel": 2},
    {"name": "narrow_flat", "type": "flatten"},
    {"name": "all", "type": "concat", "inputs": ["joined", "narrow_flat"]},
    {"type": "dense", "units": 11}]})";

}  // namespace

const std::vector<SmallConfig>& SmallConfigs() {
  static const std::vector<SmallConfig> configs = {
      {"simultaneous bce", kUpwards, kDownwards,
       R"({"batch_size": 3, "order": "simultaneous", "loss": {"type": "bce"}})"},
      {"simultaneous mean", kUpwards, kDownwards,
       R"({"batch_size": 3, "order": "simultaneous",
           "loss": {"type": "bce", "label_smoothing": 0.1, "combine": "mean"}})"},
      {"simultaneous coupled", kUpwards, kNormed,
       R"({"batch_size": 3, "order": "simultaneous",
           "loss": {"type": "bce", "label_smoothing": 0.1, "combine": "mean"}})"},
      {"generator first, reused", kProducts, kDownwards,
       R"({"batch_size": 2, "order": "generator_first", "fakes": "reused",
           "loss": {"type": "least_squares"}})"},
      {"generator first, fresh", kUpwards, kNormed,
       R"({"batch_size": 3, "order": "generator_first", "fakes": "fresh",
           "generator_batch_size": 4, "loss": {"type": "hinge"}, "ema": 0.9})"},
      {"discriminator first, reused", kBranches, kMaxima,
       R"({"batch_size": 3, "order": "discriminator_first", "fakes": "reused",
           "loss": {"type": "digit_or_zeros", "label_smoothing": 0.1}, "ema": 0.9})"},
      {"discriminator first, fresh", kBranches, kOrders,
       R"({"batch_size": 2, "order": "discriminator_first", "fakes": "fresh",
           "generator_batch_size": 3, "loss": {"type": "softmax", "label_smoothing": 0.1}})"},
      {"two discriminator steps", kProducts, kNormed,
       R"({"batch_size": 3, "order": "discriminator_first", "fakes": "fresh",
           "discriminator_steps": 2, "loss": {"type": "hinge", "combine": "mean"}})"},
      {"simultaneous conditional", kBranches, kOrders,
       R"({"batch_size": 2, "order": "simultaneous", "loss": {"type": "softmax"}})"},
  };
  return configs;
}

}  // namespace numeral
