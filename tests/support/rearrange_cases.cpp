#include <fmt/format.h>

#include "tests/support/op_cases.h"

namespace numeral {

namespace {

OpCase PermuteCase(int rows, const FeatureOrder& from, const FeatureOrder& to, GradientMode mode) {
  OneOpPlan plan;
  const auto features = static_cast<int>(from.size());
  const TensorId x = plan.Add("x", rows, Shape::Flat(features));
  const TensorId y = plan.Add("y", rows, Shape::Flat(features));
  return plan.Finish(fmt::format("{}x{} in {} to {} segments, {}", rows, features,
                                 from.segments().size(), to.segments().size(), Describe(mode)),
                     Permute{x, y, from, to, mode}, tolerance::kElementwise);
}

Shape Grown(const Shape& shape, int factor) {
  return Shape::Spatial(shape.h * factor, shape.w * factor, shape.c);
}

void AddUpsample(int rows, const Shape& small, int factor, std::vector<OpCase>& cases) {
  const std::string name = fmt::format("{}x{} by {}", rows, ToString(small), factor);
  {
    OneOpPlan plan;
    const TensorId x = plan.Add("x", rows, small);
    const TensorId y = plan.Add("y", rows, Grown(small, factor));
    cases.push_back(plan.Finish(name, UpsampleForward{factor, x, y}, tolerance::kExact));
  }
  for (const GradientMode mode : kBothModes) {
    OneOpPlan plan;
    const TensorId grad_y = plan.Add("grad_y", rows, Grown(small, factor));
    const TensorId grad_x = plan.Add("grad_x", rows, small);
    cases.push_back(plan.Finish(fmt::format("{}, {}", name, Describe(mode)),
                                UpsampleBackward{factor, grad_y, grad_x, mode}, tolerance::kSum));
  }
}

// `large` is the shape after the shuffle.
void AddPixelShuffle(int rows, const Shape& large, int factor, std::vector<OpCase>& cases) {
  const Shape small = Shape::Spatial(large.h / factor, large.w / factor, large.c * factor * factor);
  const std::string name = fmt::format("{}x{} by {}", rows, ToString(small), factor);
  {
    OneOpPlan plan;
    const TensorId x = plan.Add("x", rows, small);
    const TensorId y = plan.Add("y", rows, large);
    cases.push_back(plan.Finish(name, PixelShuffleForward{factor, x, y}, tolerance::kExact));
  }
  for (const GradientMode mode : kBothModes) {
    OneOpPlan plan;
    const TensorId grad_y = plan.Add("grad_y", rows, large);
    const TensorId grad_x = plan.Add("grad_x", rows, small);
    cases.push_back(plan.Finish(fmt::format("{}, {}", name, Describe(mode)),
                                PixelShuffleBackward{factor, grad_y, grad_x, mode},
                                tolerance::kElementwise));
  }
}

// Joins tensors of the given channels; `pixel` says the other sides.
void AddConcat(int rows, const Shape& pixel, const std::vector<int>& channels,
               std::vector<OpCase>& cases) {
  const auto with_channels = [&](int c) {
    return pixel.spatial ? Shape::Spatial(pixel.h, pixel.w, c) : Shape::Flat(c);
  };
  int total = 0;
  for (const int c : channels) total += c;
  const std::string name =
      fmt::format("{}x{} of {} parts", rows, ToString(with_channels(total)), channels.size());
  {
    OneOpPlan plan;
    ConcatForward op;
    for (size_t i = 0; i < channels.size(); ++i) {
      op.inputs.push_back(plan.Add(fmt::format("input_{}", i), rows, with_channels(channels[i])));
    }
    op.y = plan.Add("y", rows, with_channels(total));
    cases.push_back(plan.Finish(name, op, tolerance::kExact));
  }
  int first_channel = 0;
  for (const int c : channels) {
    for (const GradientMode mode : kBothModes) {
      OneOpPlan plan;
      const TensorId grad_y = plan.Add("grad_y", rows, with_channels(total));
      const TensorId grad_x = plan.Add("grad_x", rows, with_channels(c));
      cases.push_back(plan.Finish(
          fmt::format("{} from {}, {}", name, first_channel, Describe(mode)),
          ConcatBackward{first_channel, grad_y, grad_x, mode}, tolerance::kElementwise));
    }
    first_channel += c;
  }
}

}  // namespace

std::vector<OpCase> RearrangeCases() {
  std::vector<OpCase> cases;
  const FeatureOrder image = FeatureOrder::Of(Shape::Spatial(7, 5, 3));
  const FeatureOrder turned = FeatureOrder::Of(Shape::Spatial(5, 3, 7));
  const FeatureOrder plain = FeatureOrder::Plain(105);
  const FeatureOrder joined =
      FeatureOrder::Concat({FeatureOrder::Plain(4), FeatureOrder::Of(Shape::Spatial(2, 3, 5)),
                            FeatureOrder::Plain(1), FeatureOrder::Of(Shape::Spatial(2, 5, 7))});
  for (const GradientMode mode : kBothModes) {
    cases.push_back(PermuteCase(1, image, plain, mode));
    cases.push_back(PermuteCase(3, plain, image, mode));
    cases.push_back(PermuteCase(2, image, turned, mode));
    cases.push_back(PermuteCase(5, joined, plain, mode));
    cases.push_back(PermuteCase(2, image, joined, mode));
  }
  const FeatureOrder even = FeatureOrder::Of(Shape::Spatial(3, 5, 8));
  for (const GradientMode mode : kBothModes) {
    cases.push_back(PermuteCase(3, even, FeatureOrder::Plain(120), mode));
  }
  AddUpsample(1, Shape::Spatial(1, 1, 1), 2, cases);
  AddUpsample(3, Shape::Spatial(5, 7, 17), 2, cases);
  AddUpsample(2, Shape::Spatial(7, 7, 24), 4, cases);
  AddUpsample(5, Shape::Spatial(2, 3, 3), 3, cases);
  AddPixelShuffle(1, Shape::Spatial(2, 2, 1), 2, cases);
  AddPixelShuffle(3, Shape::Spatial(10, 14, 3), 2, cases);
  AddPixelShuffle(2, Shape::Spatial(6, 9, 17), 3, cases);
  AddPixelShuffle(3, Shape::Spatial(4, 6, 24), 2, cases);
  AddConcat(1, Shape::Flat(0), {1, 3}, cases);
  AddConcat(7, Shape::Flat(0), {17, 10, 24}, cases);
  AddConcat(3, Shape::Spatial(5, 7, 0), {4, 1, 17}, cases);
  AddConcat(2, Shape::Spatial(3, 3, 0), {24}, cases);
  AddConcat(3, Shape::Spatial(3, 2, 0), {8, 24, 16}, cases);
  AddConcat(2, Shape::Flat(0), {4, 12, 8}, cases);
  return cases;
}

}  // namespace numeral
