#include "config/keys.h"

namespace numeral::config_detail {
namespace {

std::vector<Key> TopKeys() {
  using enum KeyType;
  return {
      {kTop,
       "$schema",
       kString,
       {},
       Words("none"),
       "Path of the JSON Schema, for editors; ignored."},
      {kTop,
       "name",
       kString,
       {},
       Words("the file's name without its suffix"),
       "Names the run's folder; letters, digits, '_', '-' and '.'."},
      {kTop, "description", kString, {}, Value(""), "What the run is about, for people."},
      {kTop, "seed", kSeed, {}, Value(1), "Every random number of the run follows from it."},
      {kTop, "convention", kChoice, OneOf({"pytorch", "keras"}), Value("pytorch"),
       "Whose defaults hold, and what batch norm's momentum and Adam's epsilon mean."},
      {kTop, "precision", kChoice, OneOf({"fp32", "tf32", "bf16"}), Value("fp32"),
       "What convolutions and matrix products multiply; sums are fp32. In bf16, activations and "
       "their "
       "gradients are stored so too, everything else stays fp32."},
      {kTop, "data", kObject, {}, Value(Json::object()), "The images to learn."},
      {kTop,
       "networks",
       kObject,
       {},
       Required(),
       "The two networks of a GAN, a classifier, or a latent predictor."},
      {kTop, "training", kObject, {}, Value(Json::object()), "How they are trained."},
      {kTop, "output", kObject, {}, Value(Json::object()), "What the run writes, and how often."},
      {kTop,
       "evaluation",
       kObject,
       {},
       Value(Json::object()),
       "How good the generator is, measured while it trains."},
      {kTop,
       "pairs",
       kObject,
       {},
       Value(Json::object()),
       "The latents with their digits that a latent predictor learns."},

      {kData, "dataset", kChoice, OneOf({"mnist", "fashion"}), Value("mnist"), "The image set."},
      {kData, "split", kChoice, OneOf({"train", "test", "fit", "validation"}), Value("train"),
       "Its part; validation is the last 10,000 training images, fit the training images before."},
      {kData, "digits", kIntegers, Within(0, 9), Value(Json::array()),
       "Only images of these classes; an empty list keeps all."},
      {kData, "limit", kInteger, Within(0, 1e9), Value(0),
       "Only the first so many images of those classes; 0 keeps all."},
      {kData, "last_batch", kChoice, OneOf({"keep", "drop"}), Value("keep"),
       "Whether the smaller batch that ends an epoch is used."},
      {kData, "pixel_range", kNumberPair, Within(-1000, 1000), Value(Json::array({-1, 1})),
       "What black and white become."},
      {kData, "max_shift", kInteger, Within(0, 14), Value(0),
       "Training images move by up to so many pixels either way, at random; 0: not."},
  };
}

std::vector<Key> TrainingKeys() {
  using enum KeyType;
  return {
      {kTraining, "epochs", kInteger, Within(1, 1e6), Value(1), "Length of the run."},
      {kTraining, "batch_size", kInteger, Within(1, 65536), Value(64), "Real images of a step."},
      {kTraining, "generator_batch_size", kInteger, Within(0, 65536), Value(0),
       "Fakes of a generator step; 0: as many as the real images. Needs fresh fakes."},
      {kTraining, "steps_per_epoch", kInteger, Within(0, 1e9), Value(0),
       "Steps that count as an epoch; 0: once through the data."},
      {kTraining, "order", kChoice,
       OneOf({"simultaneous", "generator_first", "discriminator_first"}), Value("simultaneous"),
       "Which network is updated first, or both from one forward pass."},
      {kTraining, "fakes", kChoice, OneOf({"reused", "fresh"}),
       Words("\"fresh\" if the order is \"discriminator_first\", else \"reused\""),
       "Whether the second update of a step sees the fakes of the first or new ones."},
      {kTraining, "discriminator_steps", kInteger, Within(1, 1000), Value(1),
       "Discriminator updates for each generator update; more than 1 needs fresh fakes."},
      {kTraining, "loss", kObject, {}, Value(Json::object()), "What the networks compete over."},
      {kTraining, "optimizers", kObject, {}, Value(Json::object()), "How weights are updated."},
      {kTraining, "ema", kNumber, From(0, 1), Value(0),
       "Decay of the moving average of the weights that is saved and used, of the network that is "
       "not a discriminator; 0: off."},

      {kLoss, "type", kChoice,
       OneOf({"bce", "digit_or_zeros", "softmax", "least_squares", "hinge", "cross_entropy",
              "mean_squared"}),
       Words("\"cross_entropy\" for a classifier, \"mean_squared\" for a latent predictor, else "
             "\"bce\""),
       "One logit: bce, least_squares, hinge; ten: digit_or_zeros; eleven: softmax. A classifier's "
       "ten: cross_entropy. A latent predictor: mean_squared."},
      {kLoss, "label_smoothing", kNumber, From(0, 1), Value(0),
       "Share taken from the targets of real images."},
      {kLoss, "combine", kChoice, OneOf({"sum", "mean"}), Value("sum"),
       "How the losses on real and on fake images make the discriminator's."},

      {kOptimizers, "generator", kObject, {}, Value(Json::object()), "The generator's optimizer."},
      {kOptimizers,
       "discriminator",
       kObject,
       {},
       Value(Json::object()),
       "The discriminator's optimizer."},
      {kOptimizers,
       "classifier",
       kObject,
       {},
       Value(Json::object()),
       "The classifier's optimizer."},
      {kOptimizers,
       "latent_predictor",
       kObject,
       {},
       Value(Json::object()),
       "The latent predictor's optimizer."},
      {kOptimizer, "type", kChoice, OneOf({"adam"}), Value("adam"), "Kingma & Ba 2015."},
      {kOptimizer, "learning_rate", kNumber, Above(0, 100), Value(1e-3), "Size of a step."},
      {kOptimizer, "beta1", kNumber, From(0, 1), Value(0.9), "Decay of the gradient's average."},
      {kOptimizer, "beta2", kNumber, From(0, 1), Value(0.999), "Decay of its square's average."},
      {kOptimizer, "epsilon", kNumber, Above(0, 1), ByConvention(1e-8, 1e-7),
       "Added to the root of the square's average, corrected for bias (pytorch) or not (keras)."},
      {kOptimizer,
       "schedule",
       kObject,
       {},
       Value({{"type", "constant"}}),
       "How the learning rate changes."},
      {"/training/optimizers/*/schedule/*", "type", kChoice,
       OneOf({"constant", "linear", "cosine"}), Required(), "Form of the decay."},
      {"/training/optimizers/*/schedule/linear", "start", kNumber, From(0, 1), Value(0),
       "Share of the run after which the rate falls."},
      {"/training/optimizers/*/schedule/linear", "end", kNumber, Within(0, 1), Value(0),
       "Factor of the rate reached with the last step."},
      {"/training/optimizers/*/schedule/cosine", "start", kNumber, From(0, 1), Value(0),
       "Share of the run after which the rate falls."},
      {"/training/optimizers/*/schedule/cosine", "end", kNumber, Within(0, 1), Value(0),
       "Factor of the rate reached with the last step."},
  };
}

std::vector<Key> OutputKeys() {
  using enum KeyType;
  return {
      {kOutput, "sample_every", kInteger, Within(1, 1e6), Value(1), "Epochs between sample grids."},
      {kOutput, "accuracy_every", kInteger, Within(0, 1e6), Value(0),
       "Epochs between checks of the discriminator on real and fake images; 0: never."},
      {kOutput, "checkpoint_every", kInteger, Within(1, 1e6), Value(1),
       "Epochs between checkpoints."},
      {kOutput, "grid", kIntegerPair, Within(1, 100), Value(Json::array({10, 10})),
       "Rows and columns of a sample grid; rows are digits where the generator is conditional."},
  };
}

std::vector<Key> EvaluationKeys() {
  using enum KeyType;
  return {
      {kEvaluation,
       "classifier",
       kString,
       {},
       Value(""),
       "Weights file of the classifier that reads the digits; empty: no evaluation."},
      {kEvaluation,
       "judge",
       kString,
       {},
       Value(""),
       "Weights file of the classifier whose features are compared; empty: the same."},
      {kEvaluation, "every", kInteger, Within(1, 1e6), Value(1), "Epochs between evaluations."},
      {kEvaluation, "samples", kInteger, Within(100, 10000), Value(2000),
       "Generated images of an evaluation, and as many real ones."},
      {kEvaluation, "latent_scale", kNumber, Above(0, 100), Value(1),
       "Factor of the latents that the images are generated from."},
      {kEvaluation, "best", kChoice,
       OneOf({"s1", "fid_c", "precision", "recall", "density", "coverage"}), Value("fid_c"),
       "Which metric decides about the generator that is kept as best.bin."},
      {kEvaluation, "patience", kInteger, Within(0, 1e6), Value(0),
       "Training stops after so many evaluations without a better one; 0: never."},
  };
}

std::vector<Key> PairsKeys() {
  using enum KeyType;
  return {
      {kPairs,
       "generator",
       kString,
       {},
       Value(""),
       "Weights file of an unconditional generator; empty: given by --generator."},
      {kPairs,
       "classifier",
       kString,
       {},
       Value(""),
       "Weights file of the classifier that reads its images; empty: given by --classifier."},
      {kPairs, "per_digit", kInteger, Within(1, 1e6), Value(2000), "Latents kept of each digit."},
      {kPairs, "min_confidence", kNumber, From(0, 1), Value(0.9),
       "A latent whose image the classifier reads less surely is passed over."},
      {kPairs, "max_draws", kInteger, Within(1, 1e9), Value(1000000),
       "Latents drawn before a digit that is still short is given up."},
  };
}

}  // namespace

std::vector<Key> RunKeys() {
  std::vector<Key> all = TopKeys();
  for (const auto& part : {TrainingKeys(), OutputKeys(), EvaluationKeys(), PairsKeys()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace numeral::config_detail
