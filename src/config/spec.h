// The typed form of a config file: what one JSON file says, with every default filled in.
//
// Plain data, no behaviour. config/parse.h makes it from JSON and writes it back; graph/ and plan/
// and train/ read it. Shapes are per sample, NHWC without the N. Defaults that depend on the
// convention (Keras or PyTorch) are resolved by the parser, so nothing downstream asks which one it
// was, except where the arithmetic itself differs (BatchNormSpec, AdamSpec).
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <string>
#include <variant>
#include <vector>

#include "util/shape.h"

namespace numeral {

inline constexpr int kDigits = 10;

// Decides defaults, and what `momentum` of a batch norm and `epsilon` of Adam mean.
enum class Convention { kPyTorch, kKeras };

// ---- initialisation -----------------------------------------------------------------------------
// zeros, ones; normal(mean, std); uniform(-bound, bound);
// glorot_uniform: bound sqrt(6 / (fan_in + fan_out)), Keras's default for weights;
// kaiming_uniform: bound 1 / sqrt(fan_in), PyTorch's default for weights and biases.
struct InitSpec {
  enum class Kind { kZeros, kOnes, kNormal, kUniform, kGlorotUniform, kKaimingUniform };
  Kind kind = Kind::kZeros;
  double mean = 0;   // normal
  double std = 1;    // normal
  double bound = 1;  // uniform
  bool operator==(const InitSpec&) const = default;
};

// ---- layers -------------------------------------------------------------------------------------
struct Padding {
  enum class Kind { kSame, kValid, kExplicit };
  Kind kind = Kind::kValid;
  std::array<int, 4> amount{};  // top, bottom, left, right; kExplicit only
  bool operator==(const Padding&) const = default;
};

struct DenseSpec {
  int units = 0;
  bool bias = true;
  InitSpec weight_init, bias_init;
  bool operator==(const DenseSpec&) const = default;
};
struct ConvSpec {
  int filters = 0;
  std::array<int, 2> kernel{}, stride{1, 1};  // height, width
  Padding padding;
  bool bias = true;
  InitSpec weight_init, bias_init;
  bool operator==(const ConvSpec&) const = default;
};
// Adjoint of ConvSpec. Output size: same: stride * in; valid: (in - 1) * stride + kernel;
// explicit: (in - 1) * stride + kernel - pads + output_padding, as torch.nn.ConvTranspose2d.
struct ConvTransposeSpec {
  int filters = 0;
  std::array<int, 2> kernel{}, stride{1, 1};
  Padding padding;
  std::array<int, 2> output_padding{};
  bool bias = true;
  InitSpec weight_init, bias_init;
  bool operator==(const ConvTransposeSpec&) const = default;
};
// Statistics per channel over the batch and, for spatial inputs, over the image.
// running = keep * running + (1 - keep) * batch. In JSON, `momentum` is `keep` for Keras (0.99) and
// `1 - keep` for PyTorch (0.1); here it is always `keep`. The running variance is the unbiased one
// (n - 1) except for flat inputs in Keras, whose unfused batch norm keeps the biased one. The
// parser knows no shapes: it sets `unbiased_running_variance` for PyTorch alone, and graph/ sets it
// for the spatial inputs of Keras networks.
struct BatchNormSpec {
  double epsilon = 1e-5;
  double keep = 0.9;
  bool unbiased_running_variance = true;
  InitSpec weight_init, bias_init;
  bool operator==(const BatchNormSpec&) const = default;
};
struct LeakyReluSpec {
  double slope = 0.01;
  bool operator==(const LeakyReluSpec&) const = default;
};
struct ReluSpec {
  bool operator==(const ReluSpec&) const = default;
};
struct TanhSpec {
  bool operator==(const TanhSpec&) const = default;
};
struct SigmoidSpec {
  bool operator==(const SigmoidSpec&) const = default;
};
struct DropoutSpec {
  double rate = 0.5;  // share dropped; kept values are scaled by 1 / (1 - rate)
  bool operator==(const DropoutSpec&) const = default;
};
// Flat features are in C, H, W order, as PyTorch's view(): reshaping 12544 features to 7x7x256
// makes feature c*49 + h*7 + w the pixel (h, w) of channel c. Flatten is its inverse.
struct ReshapeSpec {
  Shape shape;
  bool operator==(const ReshapeSpec&) const = default;
};
struct FlattenSpec {
  bool operator==(const FlattenSpec&) const = default;
};
struct MaxPoolSpec {
  std::array<int, 2> kernel{}, stride{};
  std::array<int, 4> padding{};  // top, bottom, left, right; padding never wins the maximum
  bool operator==(const MaxPoolSpec&) const = default;
};
struct GlobalMaxPoolSpec {
  bool operator==(const GlobalMaxPoolSpec&) const = default;
};
struct UpsampleSpec {
  int factor = 2;  // nearest neighbour
  bool operator==(const UpsampleSpec&) const = default;
};
struct PixelShuffleSpec {
  int factor = 2;  // HxWx(C*f*f) -> (H*f)x(W*f)xC, channel order of torch.nn.PixelShuffle
  bool operator==(const PixelShuffleSpec&) const = default;
};
// Joins along channels (features when flat).
struct ConcatSpec {
  bool operator==(const ConcatSpec&) const = default;
};
// Elementwise over inputs of equal shape; a flat input of C features beside a spatial HxWxC one is
// spread over all pixels (channel gating).
struct MultiplySpec {
  bool operator==(const MultiplySpec&) const = default;
};
struct AddSpec {
  bool operator==(const AddSpec&) const = default;
};

using LayerOp = std::variant<DenseSpec, ConvSpec, ConvTransposeSpec, BatchNormSpec, LeakyReluSpec,
                             ReluSpec, TanhSpec, SigmoidSpec, DropoutSpec, ReshapeSpec, FlattenSpec,
                             MaxPoolSpec, GlobalMaxPoolSpec, UpsampleSpec, PixelShuffleSpec,
                             ConcatSpec, MultiplySpec, AddSpec>;

struct LayerSpec {
  std::string type;                 // JSON name of the kind: "conv_transpose"
  std::string name;                 // unique in its network; tensors are `<name>.weight`, ...
  std::vector<std::string> inputs;  // names of layers or network inputs; never empty once parsed
  LayerOp op;
  std::string pointer;  // JSON pointer, for errors: "/networks/generator/layers/3"
  // `pointer` says where the layer was written, not what it is, and takes no part.
  bool operator==(const LayerSpec& other) const {
    return type == other.type && name == other.name && inputs == other.inputs && op == other.op;
  }
};

// ---- networks -----------------------------------------------------------------------------------
struct InputSpec {
  enum class Kind { kLatent, kDigit, kImage, kTime };
  enum class Distribution { kNormal, kUniform };  // N(0, 1), U(-1, 1)
  std::string name;
  Kind kind = Kind::kLatent;
  Shape shape;  // latent: flat(size); digit: flat(10), one-hot; image: 28x28x1; time: flat(1)
  Distribution distribution = Distribution::kNormal;
  bool operator==(const InputSpec&) const = default;
};

// The output is the last layer's.
struct NetworkSpec {
  std::string name;  // its key in the config: "generator", "latent_predictor", ...
  std::vector<InputSpec> inputs;
  std::vector<LayerSpec> layers;
  bool operator==(const NetworkSpec&) const = default;
};

// ---- data ---------------------------------------------------------------------------------------
struct DataSpec {
  std::string dataset = "mnist";             // or "fashion"
  std::string split = "train";               // "test", or a part of the training images:
                                             // "validation", the last 10,000, or "fit", the others
  std::vector<int> digits;                   // keep only these classes; empty keeps all
  int64_t limit = 0;                         // first N images after the filter; 0 keeps all
  bool keep_last_batch = true;               // the smaller batch that ends an epoch
  std::array<double, 2> pixel_range{-1, 1};  // what 0 and 255 become
  int max_shift = 0;  // training images move by up to so many pixels either way, at random

  // The classes that are left by `digits`.
  std::vector<int> Classes() const {
    if (!digits.empty()) return digits;
    std::vector<int> all(kDigits);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  bool operator==(const DataSpec&) const = default;
};

// ---- training -----------------------------------------------------------------------------------
struct ScheduleSpec {
  enum class Kind { kConstant, kLinear, kCosine };
  Kind kind = Kind::kConstant;
  double start = 0;  // share of the run before which the rate is constant
  double end = 0;    // factor reached with the last step
  bool operator==(const ScheduleSpec&) const = default;
};
// Kingma & Ba 2015. PyTorch: p -= lr * m^ / (sqrt(v^) + eps). Keras: p -= lr * sqrt(1 - b2^t) /
// (1 - b1^t) * m / (sqrt(v) + eps), the paper's "epsilon hat".
struct AdamSpec {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  bool epsilon_hat = false;
  ScheduleSpec schedule;
  bool operator==(const AdamSpec&) const = default;
};

enum class LossKind {
  kBce,           // one logit; binary cross-entropy
  kDigitOrZeros,  // ten logits; sum of ten binary cross-entropies; real: one-hot, fake: zeros
  kSoftmax,       // eleven logits; real: its digit, fake: class 10; generator: its digit
  kLeastSquares,  // one output; half squared distance to 1 (real) and 0 (fake); Mao et al. 2017
  kHinge,         // one output; Lim & Ye 2017
  kCrossEntropy,  // of a classifier: ten logits; softmax against the digit
  kMeanSquared,   // of a latent predictor: as many outputs as a latent has; mean squared distance
                  // to what it should give
};
// Outputs that D or a classifier must have.
inline int OutputsOf(LossKind kind) {
  switch (kind) {
    case LossKind::kDigitOrZeros:
    case LossKind::kCrossEntropy:
      return kDigits;
    case LossKind::kSoftmax:
      return kDigits + 1;
    default:
      return 1;
  }
}
struct LossSpec {
  LossKind kind = LossKind::kBce;
  double label_smoothing = 0;      // real targets only: t becomes (1 - s) * t, or for softmax
                                   // and cross-entropy (1 - s) * t + s / classes
  bool average_real_fake = false;  // d_loss = (real + fake) / 2 instead of real + fake
  bool operator==(const LossSpec&) const = default;
};

struct TrainingSpec {
  enum class Order {
    kSimultaneous,        // both gradients from one forward pass, then both updates
    kGeneratorFirst,      // G is updated, then D
    kDiscriminatorFirst,  // D is updated, then G through the updated D
  };
  int epochs = 1;
  int batch_size = 64;
  int generator_batch_size = 0;  // fakes of a generator step; 0: as many as the real images
  int64_t steps_per_epoch = 0;   // 0: once through the data
  Order order = Order::kSimultaneous;
  bool reuse_fakes = true;      // the second update sees the first one's fakes, not fresh ones
  int discriminator_steps = 1;  // discriminator updates for each generator update
  LossSpec loss;
  AdamSpec generator, discriminator, classifier, latent_predictor;
  double ema_decay = 0;  // 0: off. Averages the weights and batch norm statistics of G, of the
                         // classifier or of the latent predictor
  bool operator==(const TrainingSpec&) const = default;
};

struct OutputSpec {
  int sample_every = 1;      // epochs between sample grids
  int accuracy_every = 0;    // epochs between checks of D in inference mode, on 100 + 100; 0: off
  int checkpoint_every = 1;  // epochs between checkpoints
  int grid_rows = 10, grid_columns = 10;  // conditional generators: rows are digits
  bool operator==(const OutputSpec&) const = default;
};

// How good the generator is, measured while it trains.
struct EvaluationSpec {
  enum class Metric { kS1, kFidC, kPrecision, kRecall, kDensity, kCoverage };
  std::string classifier;  // weights file that judges digits; empty: no evaluation
  std::string judge;       // weights file whose features are compared; empty: the classifier's
  int every = 1;           // epochs
  int samples = 2000;
  double latent_scale = 1;
  Metric best = Metric::kFidC;  // which generator is kept beside the last one
  int patience = 0;             // stop after so many evaluations without a better one; 0: never
  bool operator==(const EvaluationSpec&) const = default;
};

// What a latent predictor learns: latents of a generator with the digit that a classifier reads
// from the image, as many of each digit.
struct PairsSpec {
  std::string generator;   // weights file; empty: to be given before training
  std::string classifier;  // weights file; empty: to be given before training
  int per_digit = 2000;
  double min_confidence = 0.9;  // of the classifier, else the latent is passed over
  int64_t max_draws = 1000000;  // latents looked at before training is refused
  bool operator==(const PairsSpec&) const = default;
};

enum class Precision { kFp32, kTf32, kBf16 };

// What a config trains: a generator and a discriminator; a classifier; a latent predictor.
enum class RunKind { kGan, kClassifier, kLatentPredictor };

struct Config {
  std::string name;  // the run folder's; defaults to the file's stem
  std::string description;
  uint64_t seed = 1;
  Convention convention = Convention::kPyTorch;
  Precision precision = Precision::kFp32;
  DataSpec data;
  // A generator and a discriminator, or a classifier or a latent predictor alone; the others have
  // no layers.
  NetworkSpec generator, discriminator, classifier, latent_predictor;
  TrainingSpec training;
  OutputSpec output;
  EvaluationSpec evaluation;  // of a generator
  PairsSpec pairs;            // of a latent predictor

  RunKind kind() const {
    if (!latent_predictor.layers.empty()) return RunKind::kLatentPredictor;
    return classifier.layers.empty() ? RunKind::kGan : RunKind::kClassifier;
  }
  bool TrainsClassifier() const { return kind() == RunKind::kClassifier; }
  bool TrainsLatentPredictor() const { return kind() == RunKind::kLatentPredictor; }
  // Those that are trained, in the order above.
  std::vector<const NetworkSpec*> Networks() const {
    std::vector<const NetworkSpec*> trained;
    for (const NetworkSpec* network :
         {&generator, &discriminator, &classifier, &latent_predictor}) {
      if (!network->layers.empty()) trained.push_back(network);
    }
    return trained;
  }
  bool operator==(const Config&) const = default;
};

}  // namespace numeral
