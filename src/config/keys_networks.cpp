#include "config/keys.h"

namespace numeral::config_detail {
namespace {

constexpr double kMostFeatures = 1 << 24;
constexpr double kMostChannels = 65536;
constexpr double kLargestKernel = 64;
constexpr double kMostPadding = 63;

constexpr std::string_view kKernelDoc = "Size of the window.";
constexpr std::string_view kStrideDoc = "Step of the window.";
constexpr std::string_view kBiasDoc = "Whether a bias is added.";
constexpr std::string_view kWeightInitDoc = "How the weights start.";
constexpr std::string_view kBiasInitDoc = "How the biases start.";

std::vector<Key> InputKeys() {
  using enum KeyType;
  return {
      {kNetworks,
       "generator",
       kObject,
       {},
       Words("none"),
       "Noise, and perhaps a digit, to an image; together with a discriminator."},
      {kNetworks, "discriminator", kObject, {}, Words("none"), "An image to scores."},
      {kNetworks,
       "classifier",
       kObject,
       {},
       Words("none"),
       "An image to ten logits, one per digit; alone."},
      {kNetworks,
       "latent_predictor",
       kObject,
       {},
       Words("none"),
       "A digit, and perhaps noise and a time, to a generator's latent; alone."},
      {kNetwork, "inputs", kNamedInputs, {}, Required(), "What enters, by name."},
      {kNetwork,
       "layers",
       kObjects,
       {},
       Required(),
       "In order; the output of the last is the network's."},

      {"/networks/*/inputs/*", "kind", kChoice, OneOf({"latent", "digit", "image", "time"}),
       Required(),
       "Noise, a one-hot digit, a 28x28x1 image, or how far a latent predictor is from noise (0) "
       "to "
       "latent (1)."},
      {"/networks/*/inputs/latent", "size", kInteger, Within(1, kMostChannels), Required(),
       "Number of features."},
      {"/networks/*/inputs/latent", "distribution", kChoice, OneOf({"normal", "uniform"}),
       Value("normal"), "N(0, 1), or uniform from -1 to 1."},
  };
}

std::vector<Key> CommonLayerKeys() {
  using enum KeyType;
  return {
      {"/networks/*/layers/*", "type", kChoice,
       OneOf({"dense", "conv", "conv_transpose", "batch_norm", "leaky_relu", "relu", "tanh",
              "sigmoid", "dropout", "reshape", "flatten", "max_pool", "global_max_pool", "upsample",
              "pixel_shuffle", "concat", "multiply", "add"}),
       Required(), "Kind of the layer."},
      {"/networks/*/layers/*",
       "name",
       kString,
       {},
       Words("the type, then type_2, type_3, ..."),
       "Unique in its network; letters, digits and '_'. Names its tensors in weights files."},
      {"/networks/*/layers/*",
       "inputs",
       kNames,
       {},
       Words("the previous layer; for the first layer the network's only input"),
       "Earlier layers or network inputs; two or more for concat, multiply and add, else one."},
  };
}

std::vector<Key> WeightedLayerKeys() {
  using enum KeyType;
  constexpr std::string_view kDense = "/networks/*/layers/dense";
  constexpr std::string_view kConv = "/networks/*/layers/conv";
  constexpr std::string_view kTransposed = "/networks/*/layers/conv_transpose";
  constexpr std::string_view kNorm = "/networks/*/layers/batch_norm";
  constexpr std::string_view kPaddingDoc =
      "\"same\" as TensorFlow defines it, \"valid\" for none, or explicit numbers as in PyTorch.";
  const Limits kernel = Within(1, kLargestKernel), padding = Within(0, kMostPadding);
  const Default weights = ByConvention("kaiming_uniform", "glorot_uniform");
  const Default biases = ByConvention("kaiming_uniform", "zeros");
  return {
      {kDense, "units", kInteger, Within(1, kMostFeatures), Required(), "Number of features."},
      {kDense, "bias", kBool, {}, Value(true), kBiasDoc},
      {kDense, "weight_init", kInit, {}, weights, kWeightInitDoc},
      {kDense, "bias_init", kInit, {}, biases, kBiasInitDoc},

      {kConv, "filters", kInteger, Within(1, kMostChannels), Required(), "Number of channels."},
      {kConv, "kernel", kSize, kernel, Required(), kKernelDoc},
      {kConv, "stride", kSize, kernel, Value(1), kStrideDoc},
      {kConv, "padding", kPadding, padding, Value("valid"), kPaddingDoc},
      {kConv, "bias", kBool, {}, Value(true), kBiasDoc},
      {kConv, "weight_init", kInit, {}, weights, kWeightInitDoc},
      {kConv, "bias_init", kInit, {}, biases, kBiasInitDoc},

      {kTransposed, "filters", kInteger, Within(1, kMostChannels), Required(),
       "Number of channels."},
      {kTransposed, "kernel", kSize, kernel, Required(), kKernelDoc},
      {kTransposed, "stride", kSize, kernel, Value(1), kStrideDoc},
      {kTransposed, "padding", kPadding, padding, Value("valid"), kPaddingDoc},
      {kTransposed, "output_padding", kSize, padding, Value(0),
       "Rows and columns added at the end; only with explicit padding, smaller than the stride."},
      {kTransposed, "bias", kBool, {}, Value(true), kBiasDoc},
      {kTransposed, "weight_init", kInit, {}, weights, kWeightInitDoc},
      {kTransposed, "bias_init", kInit, {}, biases, kBiasInitDoc},

      {kNorm, "epsilon", kNumber, Above(0, 1), ByConvention(1e-5, 1e-3), "Added to the variance."},
      {kNorm, "momentum", kNumber, Within(0, 1), ByConvention(0.1, 0.99),
       "Share of the new batch (pytorch) or of the old value (keras) in the running statistics."},
      {kNorm, "weight_init", kInit, {}, Value("ones"), "How the scales start."},
      {kNorm, "bias_init", kInit, {}, Value("zeros"), "How the offsets start."},
  };
}

std::vector<Key> OtherLayerKeys() {
  using enum KeyType;
  constexpr std::string_view kPool = "/networks/*/layers/max_pool";
  return {
      {"/networks/*/layers/leaky_relu", "slope", kNumber, Within(0, 1), ByConvention(0.01, 0.3),
       "Factor of negative values."},
      {"/networks/*/layers/dropout", "rate", kNumber, From(0, 1), Value(0.5),
       "Share of values dropped."},
      {"/networks/*/layers/reshape", "shape", kShape, Within(1, kMostFeatures), Required(),
       "The new shape; flat features are in channel, height, width order."},
      {kPool, "kernel", kSize, Within(1, kLargestKernel), Required(), kKernelDoc},
      {kPool, "stride", kSize, Within(1, kLargestKernel), Words("the kernel"), kStrideDoc},
      {kPool, "padding", kPoolPadding, Within(0, kMostPadding), Value("valid"),
       "\"valid\" for none, or explicit numbers, each smaller than the kernel."},
      {"/networks/*/layers/upsample", "factor", kInteger, Within(1, 64), Value(2),
       "Copies of each pixel in either direction."},
      {"/networks/*/layers/pixel_shuffle", "factor", kInteger, Within(1, 64), Value(2),
       "Channels become so many rows and columns."},
  };
}

std::vector<Key> InitKeys() {
  using enum KeyType;
  return {
      {"/networks/*/layers/*/init/*", "type", kChoice,
       OneOf({"zeros", "ones", "normal", "uniform", "glorot_uniform", "kaiming_uniform"}),
       Required(), "The distribution; may stand alone, in place of the object."},
      {"/networks/*/layers/*/init/normal", "mean", kNumber, Within(-1000, 1000), Value(0),
       "Its mean."},
      {"/networks/*/layers/*/init/normal", "std", kNumber, Within(0, 1000), Value(1),
       "Its standard deviation."},
      {"/networks/*/layers/*/init/uniform", "bound", kNumber, Within(0, 1000), Value(1),
       "Values are from -bound to bound."},
  };
}

}  // namespace

std::vector<Key> NetworkKeys() {
  std::vector<Key> all;
  for (const auto& part :
       {InputKeys(), CommonLayerKeys(), WeightedLayerKeys(), OtherLayerKeys(), InitKeys()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace numeral::config_detail
