#include <fmt/format.h>

#include "tests/support/op_cases.h"
#include "util/random.h"

namespace numeral {

namespace {

OpCase GatherCase(int64_t running_step, int rows, int max_shift = 0) {
  constexpr int64_t kImages = 23;
  constexpr int kBatch = 5;
  OneOpPlan plan;
  const Shape image = Shape::Spatial(28, 28, 1);
  GatherBatch op;
  op.data_images = plan.Add("data_images", kImages, image, DType::kU8);
  op.data_labels = plan.Add("data_labels", kImages, Shape::Flat(1), DType::kU8);
  op.step = plan.AddStep(running_step);
  op.images = plan.Add("images", rows, image);
  op.labels = plan.Add("labels", rows, Shape::Flat(1), DType::kI32);
  op.data_count = kImages;
  op.steps_per_epoch = 5;
  op.batch_size = kBatch;
  op.scale = 2.0f / 255;
  op.shift = -1;
  op.stream = StreamId("shuffle");
  op.max_shift = max_shift;
  op.shift_stream = StreamId("shift");
  std::vector<int64_t> pixels(static_cast<size_t>(plan.info(op.data_images).elems()));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = DrawBits(1, 2, 3, i) % 256;
  plan.SetIntegers(op.data_images, pixels);
  plan.SetDigits(op.data_labels);
  return plan.Finish(
      fmt::format("step {} of {} rows, moved by up to {}", running_step, rows, max_shift), op,
      tolerance::kElementwise);
}

OpCase GatherPairsCase(int64_t running_step, int rows, int size) {
  constexpr int64_t kPairs = 23;
  OneOpPlan plan;
  GatherPairs op;
  op.data_latents = plan.Add("data_latents", kPairs, Shape::Flat(size));
  op.data_labels = plan.Add("data_labels", kPairs, Shape::Flat(1), DType::kU8);
  op.step = plan.AddStep(running_step);
  op.latents = plan.Add("latents", rows, Shape::Flat(size));
  op.labels = plan.Add("labels", rows, Shape::Flat(1), DType::kI32);
  op.data_count = kPairs;
  op.steps_per_epoch = 5;
  op.batch_size = 5;
  op.stream = StreamId("shuffle");
  plan.SetDigits(op.data_labels);
  return plan.Finish(fmt::format("step {} of {} rows of {}", running_step, rows, size), op,
                     tolerance::kExact);
}

OpCase TimesCase(int rows, int64_t step) {
  OneOpPlan plan;
  const TensorId counter = plan.AddStep(step);
  const TensorId out = plan.Add("out", rows, Shape::Flat(1));
  return plan.Finish(fmt::format("{} rows at step {}", rows, step),
                     DrawTimes{counter, out, StreamId("times")}, tolerance::kExact);
}

OpCase FlowPathCase(int rows, int size) {
  OneOpPlan plan;
  const Shape latent = Shape::Flat(size);
  FlowPath op;
  op.noise = plan.Add("noise", rows, latent);
  op.latents = plan.Add("latents", rows, latent);
  op.times = plan.Add("times", rows, Shape::Flat(1));
  plan.SetUniform(op.times, 0, 1);
  op.place = plan.Add("place", rows, latent);
  op.velocity = plan.Add("velocity", rows, latent);
  return plan.Finish(fmt::format("{} rows of {}", rows, size), op, tolerance::kTranscendental);
}

OpCase LatentCase(InputSpec::Distribution distribution, int rows, int size, int64_t step) {
  OneOpPlan plan;
  const TensorId counter = plan.AddStep(step);
  const TensorId out = plan.Add("out", rows, Shape::Flat(size));
  const bool normal = distribution == InputSpec::Distribution::kNormal;
  return plan.Finish(
      fmt::format("{} {}x{} at step {}", normal ? "normal" : "uniform", rows, size, step),
      DrawLatents{counter, out, distribution, StreamId("latents/z")}, tolerance::kExact);
}

OpCase DigitCase(const std::vector<int>& choices, int rows, int64_t step) {
  OneOpPlan plan;
  const TensorId counter = plan.AddStep(step);
  const TensorId out = plan.Add("out", rows, Shape::Flat(1), DType::kI32);
  return plan.Finish(fmt::format("{} of {} digits", rows, choices.size()),
                     DrawDigits{counter, out, choices, StreamId("digits")}, tolerance::kExact);
}

OpCase OneHotCase(int rows) {
  OneOpPlan plan;
  const TensorId labels = plan.Add("labels", rows, Shape::Flat(1), DType::kI32);
  plan.SetDigits(labels);
  const TensorId out = plan.Add("out", rows, Shape::Flat(10));
  return plan.Finish(fmt::format("{} rows", rows), OneHot{labels, out}, tolerance::kExact);
}

OpCase AdvanceCase(int64_t running_step) {
  OneOpPlan plan;
  const TensorId step = plan.AddStep(running_step);
  return plan.Finish(fmt::format("after {}", running_step), AdvanceStep{step}, tolerance::kExact);
}

}  // namespace

std::vector<OpCase> SourceCases() {
  std::vector<OpCase> cases;
  // First batch, one of the middle, the short last one, and the same places two epochs on.
  for (const int64_t step : {0, 2, 10, 13}) cases.push_back(GatherCase(step, 5));
  for (const int64_t step : {4, 14}) cases.push_back(GatherCase(step, 3));
  cases.push_back(GatherCase(1, 1));
  for (const int max_shift : {1, 2, 14, 28}) cases.push_back(GatherCase(7, 5, max_shift));
  for (const int64_t step : {0, 2, 13}) cases.push_back(GatherPairsCase(step, 5, 7));
  for (const int64_t step : {4, 14}) cases.push_back(GatherPairsCase(step, 3, 1));
  cases.push_back(GatherPairsCase(1, 1, 100));
  constexpr int64_t kBeyond32Bits = (int64_t{1} << 33) + 5;
  cases.push_back(TimesCase(1, 0));
  cases.push_back(TimesCase(101, 3));
  cases.push_back(TimesCase(7, kBeyond32Bits));
  for (const int rows : {1, 5, 64}) {
    for (const int size : {1, 17, 100}) cases.push_back(FlowPathCase(rows, size));
  }
  for (const auto distribution :
       {InputSpec::Distribution::kNormal, InputSpec::Distribution::kUniform}) {
    cases.push_back(LatentCase(distribution, 1, 1, 0));
    cases.push_back(LatentCase(distribution, 3, 17, 4));
    cases.push_back(LatentCase(distribution, 64, 100, 1000));
    cases.push_back(LatentCase(distribution, 5, 3, kBeyond32Bits));
  }
  cases.push_back(DigitCase({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 101, 3));
  cases.push_back(DigitCase({1, 7, 8}, 7, kBeyond32Bits));
  cases.push_back(DigitCase({4}, 1, 0));
  for (const int rows : {1, 7, 64}) cases.push_back(OneHotCase(rows));
  for (const int64_t step : {int64_t{-1}, int64_t{7}, kBeyond32Bits}) {
    cases.push_back(AdvanceCase(step));
  }
  return cases;
}

}  // namespace numeral
