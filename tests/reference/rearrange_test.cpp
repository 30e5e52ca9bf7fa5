// Sources, pools and shape changes of the reference against values worked out by hand.
#include <limits>
#include <set>

#include "tests/support/check_values.h"
#include "tests/support/one_op.h"
#include "util/random.h"

namespace numeral {
namespace {

ReferenceResult Result(OneOpPlan& plan, const Op& op) {
  return ReferenceResult(plan.Finish("by hand", op, {}));
}

// Adds an image of one row with the given values.
TensorId AddImage(OneOpPlan& plan, const std::string& name, const Shape& shape,
                  const std::vector<float>& values) {
  const TensorId id = plan.Add(name, 1, shape);
  plan.SetReals(id, values);
  return id;
}

TEST_CASE("reference: max pool takes the first of equals, and NaN over numbers") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  OneOpPlan plan;
  const TensorId x = AddImage(plan, "x", Shape::Spatial(2, 6, 1),
                              {1, 5, -1, -1, 2, 9,  //
                               5, 0, -1, -1, nan, 3});
  const TensorId y = plan.Add("y", 1, Shape::Spatial(1, 3, 1));
  const TensorId argmax = plan.Add("argmax", 1, Shape::Spatial(1, 3, 1), DType::kI32);
  const auto result = Result(plan, MaxPoolForward{{2, 2, 2, 2, 0, 0}, x, y, argmax});
  CHECK(result.Integers("argmax") == std::vector<int64_t>{1, 2, 10});
  const std::vector<double> values = result.Doubles("y");
  CheckValues({values[0], values[1]}, {5, -1});
  CHECK(std::isnan(values[2]));
}

TEST_CASE("reference: padding never wins a maximum") {
  OneOpPlan plan;
  const TensorId x = AddImage(plan, "x", Shape::Spatial(2, 2, 1), {-4, -3, -2, -1});
  const TensorId y = plan.Add("y", 1, Shape::Spatial(2, 2, 1));
  const TensorId argmax = plan.Add("argmax", 1, Shape::Spatial(2, 2, 1), DType::kI32);
  const auto result = Result(plan, MaxPoolForward{{2, 2, 1, 1, 1, 1}, x, y, argmax});
  CheckValues(result.Doubles("y"), {-4, -3, -2, -1});
  CHECK(result.Integers("argmax") == std::vector<int64_t>{0, 1, 2, 3});
}

TEST_CASE("reference: gradient of max pool adds up where one pixel wins twice") {
  OneOpPlan plan;
  const TensorId grad_y = AddImage(plan, "grad_y", Shape::Spatial(1, 3, 1), {1, 2, 4});
  const TensorId argmax = plan.Add("argmax", 1, Shape::Spatial(1, 3, 1), DType::kI32);
  plan.SetIntegers(argmax, {1, 1, 3});
  const TensorId grad_x = AddImage(plan, "grad_x", Shape::Spatial(2, 2, 1), {10, 20, 30, 40});
  const auto result = Result(
      plan, MaxPoolBackward{{1, 1, 1, 1, 0, 0}, grad_y, argmax, grad_x, GradientMode::kAccumulate});
  CheckValues(result.Doubles("grad_x"), {10, 23, 30, 44});
}

TEST_CASE("reference: global max pool and its gradient") {
  OneOpPlan plan;
  const TensorId x = AddImage(plan, "x", Shape::Spatial(1, 3, 2), {1, 7, 3, 5, 3, 6});
  const TensorId y = plan.Add("y", 1, Shape::Flat(2));
  const TensorId argmax = plan.Add("argmax", 1, Shape::Flat(2), DType::kI32);
  const auto forward = Result(plan, GlobalMaxPoolForward{x, y, argmax});
  CheckValues(forward.Doubles("y"), {3, 7});
  CHECK(forward.Integers("argmax") == std::vector<int64_t>{1, 0});

  plan.SetReals(y, {10, 100});
  plan.SetIntegers(argmax, {1, 0});
  const auto backward = Result(plan, GlobalMaxPoolBackward{y, argmax, x, GradientMode::kOverwrite});
  CheckValues(backward.Doubles("x"), {0, 100, 10, 0, 0, 0});
}

TEST_CASE("reference: upsample") {
  OneOpPlan plan;
  const TensorId x = AddImage(plan, "x", Shape::Spatial(1, 2, 1), {1, 2});
  const TensorId y = plan.Add("y", 1, Shape::Spatial(2, 4, 1));
  CheckValues(Result(plan, UpsampleForward{2, x, y}).Doubles("y"), {1, 1, 2, 2, 1, 1, 2, 2});
  plan.SetReals(y, {1, 2, 3, 4, 10, 20, 30, 40});
  CheckValues(Result(plan, UpsampleBackward{2, y, x, GradientMode::kOverwrite}).Doubles("x"),
              {33, 77});
}

TEST_CASE("reference: pixel shuffle has the channel order of PyTorch") {
  OneOpPlan plan;
  const TensorId x = AddImage(plan, "x", Shape::Spatial(1, 1, 8), {0, 1, 2, 3, 4, 5, 6, 7});
  const TensorId y = plan.Add("y", 1, Shape::Spatial(2, 2, 2));
  CheckValues(Result(plan, PixelShuffleForward{2, x, y}).Doubles("y"), {0, 4, 1, 5, 2, 6, 3, 7});
  plan.SetReals(y, {0, 4, 1, 5, 2, 6, 3, 7});
  CheckValues(Result(plan, PixelShuffleBackward{2, y, x, GradientMode::kOverwrite}).Doubles("x"),
              {0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("reference: concat") {
  OneOpPlan plan;
  const TensorId a = AddImage(plan, "a", Shape::Spatial(1, 2, 1), {1, 2});
  const TensorId b = AddImage(plan, "b", Shape::Spatial(1, 2, 2), {3, 4, 5, 6});
  const TensorId y = plan.Add("y", 1, Shape::Spatial(1, 2, 3));
  CheckValues(Result(plan, ConcatForward{{a, b}, y}).Doubles("y"), {1, 3, 4, 2, 5, 6});
  plan.SetReals(y, {1, 3, 4, 2, 5, 6});
  CheckValues(Result(plan, ConcatBackward{1, y, b, GradientMode::kAccumulate}).Doubles("b"),
              {6, 8, 10, 12});
}

TEST_CASE("reference: permute goes from the stored to the logical order and back") {
  const FeatureOrder image = FeatureOrder::Of(Shape::Spatial(1, 2, 2));
  const FeatureOrder plain = FeatureOrder::Plain(4);
  OneOpPlan plan;
  const TensorId x = AddImage(plan, "x", Shape::Flat(4), {10, 11, 12, 13});
  const TensorId y = plan.Add("y", 1, Shape::Flat(4));
  CheckValues(Result(plan, Permute{x, y, image, plain, GradientMode::kOverwrite}).Doubles("y"),
              {10, 12, 11, 13});
  // A plain feature in front moves the segment's logical indices along.
  const FeatureOrder tail =
      FeatureOrder::Concat({FeatureOrder::Plain(1), FeatureOrder::Of(Shape::Spatial(1, 2, 2))});
  const TensorId longer = AddImage(plan, "longer", Shape::Flat(5), {9, 10, 11, 12, 13});
  const TensorId moved = plan.Add("moved", 1, Shape::Flat(5));
  CheckValues(
      Result(plan, Permute{longer, moved, tail, FeatureOrder::Plain(5), GradientMode::kOverwrite})
          .Doubles("moved"),
      {9, 10, 12, 11, 13});
}

TEST_CASE("reference: an epoch of batches shows every image once, with its own label") {
  constexpr int kImages = 7, kBatch = 3;
  std::set<int64_t> seen;
  for (const int64_t epoch : {0, 1}) {
    seen.clear();
    for (int64_t batch = 0; batch < 3; ++batch) {
      const int rows = batch < 2 ? kBatch : 1;
      OneOpPlan plan;
      GatherBatch op;
      op.data_images = plan.Add("data_images", kImages, Shape::Flat(1), DType::kU8);
      plan.SetIntegers(op.data_images, {0, 10, 20, 30, 40, 50, 60});
      op.data_labels = plan.Add("data_labels", kImages, Shape::Flat(1), DType::kU8);
      plan.SetIntegers(op.data_labels, {0, 1, 2, 3, 4, 5, 6});
      op.step = plan.AddStep(epoch * 3 + batch);
      op.images = plan.Add("images", rows, Shape::Flat(1));
      op.labels = plan.Add("labels", rows, Shape::Flat(1), DType::kI32);
      op.data_count = kImages;
      op.steps_per_epoch = 3;
      op.batch_size = kBatch;
      op.scale = 0.5f;
      op.shift = -1;
      op.stream = StreamId("shuffle");
      const auto result = Result(plan, op);
      const auto labels = result.Integers("labels");
      for (size_t i = 0; i < labels.size(); ++i) {
        CHECK(result.Doubles("images")[i] == static_cast<double>(labels[i]) * 5 - 1);
        CHECK(seen.insert(labels[i]).second);
      }
    }
    CHECK(seen.size() == kImages);
  }
}

TEST_CASE("reference: draws are those of random.h, by row and feature") {
  OneOpPlan plan(77);
  const TensorId step = plan.AddStep(9);
  const TensorId z = plan.Add("z", 3, Shape::Flat(5));
  const auto normal =
      Result(plan, DrawLatents{step, z, InputSpec::Distribution::kNormal, 4}).Doubles("z");
  CHECK(normal[2 * 5 + 3] == DrawNormal(77, 4, 9, 13));
  const auto uniform =
      Result(plan, DrawLatents{step, z, InputSpec::Distribution::kUniform, 4}).Doubles("z");
  CHECK(uniform[5] == SignedUnitFromBits(DrawBits(77, 4, 9, 5)));
  const TensorId digits = plan.Add("digits", 3, Shape::Flat(1), DType::kI32);
  const auto drawn = Result(plan, DrawDigits{step, digits, {3, 8}, 4}).Integers("digits");
  CHECK(drawn[2] == (DrawBits(77, 4, 9, 2) < 0x80000000u ? 3 : 8));
}

TEST_CASE("reference: one-hot") {
  OneOpPlan plan;
  const TensorId labels = plan.Add("labels", 2, Shape::Flat(1), DType::kI32);
  plan.SetIntegers(labels, {0, 9});
  const TensorId out = plan.Add("out", 2, Shape::Flat(10));
  CheckValues(Result(plan, OneHot{labels, out}).Doubles("out"),
              {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

}  // namespace
}  // namespace numeral
