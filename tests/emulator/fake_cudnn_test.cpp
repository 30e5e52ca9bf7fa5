// The fake cuDNN refuses what cuDNN refuses: a wrapper that passes here describes its convolutions
// in full.
#include "tests/emulator/fake_cudnn.h"

#include <functional>

#include "cuda/lib/cudnn_descriptor.h"
#include "tests/util/expect_error.h"

namespace numeral::cuda {
namespace {

using Change = std::function<void(Descriptor&)>;

void Unchanged(Descriptor&) {}

Descriptor MakeTensor(int64_t id, std::vector<int64_t> sides, const Change& change = Unchanged) {
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.Set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
  tensor.Set(CUDNN_ATTR_TENSOR_DIMENSIONS, sides);
  tensor.Set(CUDNN_ATTR_TENSOR_STRIDES, std::vector<int64_t>{sides[1] * sides[2] * sides[3], 1,
                                                             sides[1] * sides[3], sides[1]});
  tensor.Set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  tensor.Set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{16});
  change(tensor);
  tensor.Finalize();
  return tensor;
}

Descriptor MakeConvolution(const Change& change = Unchanged) {
  using Pair = std::vector<int64_t>;
  Descriptor convolution(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  convolution.Set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  convolution.Set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  convolution.Set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Pair{1, 1});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Pair{2, 2});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, Pair{1, 1});
  convolution.Set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, Pair{2, 2});
  change(convolution);
  convolution.Finalize();
  return convolution;
}

// Of 2 images 14x14x3 with 5x5 kernels to 7x7x4.
Descriptor MakeOperation(std::vector<int64_t> features = {2, 4, 7, 7},
                         const Change& change = Unchanged) {
  Descriptor operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, MakeConvolution());
  operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, MakeTensor(1, {2, 3, 14, 14}));
  operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, MakeTensor(2, {4, 3, 5, 5}));
  operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, MakeTensor(3, std::move(features)));
  operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0F);
  operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0F);
  change(operation);
  operation.Finalize();
  return operation;
}

template <typename Action>
void CheckRefused(Action&& action, const std::string& because) {
  CheckMentions(MessageOf(ErrorKind::kFailure, action), {because});
}

// Sets an attribute that is right otherwise to a value that is not.
template <typename T>
Change Setting(cudnnBackendAttributeName_t name, T value) {
  return [=](Descriptor& descriptor) { descriptor.Set(name, value); };
}

}  // namespace

TEST_CASE("The fake cuDNN takes a convolution that is described in full", "[convolution]") {
  MakeOperation();
  CheckRefused([] { Descriptor(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR).Finalize(); }, "is not set");
  CheckRefused([] { const Descriptor pointwise(CUDNN_BACKEND_POINTWISE_DESCRIPTOR); },
               "no descriptor of type");
}

TEST_CASE("The fake cuDNN refuses other tensors", "[convolution]") {
  const std::vector<int64_t> sides{2, 3, 14, 14};
  const std::vector<int64_t> nchw{588, 196, 14, 1};
  const auto refused = [&](const Change& change, const std::string& because) {
    CheckRefused([&] { MakeTensor(1, sides, change); }, because);
  };
  refused(Setting(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_HALF), "fp32 or bf16");
  refused(Setting(CUDNN_ATTR_TENSOR_STRIDES, nchw), "dense NHWC");
  refused(Setting(CUDNN_ATTR_TENSOR_DIMENSIONS, std::vector<int64_t>{2, 3, 14}), "four dimensions");
  refused(Setting(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{2}), "alignment");
  refused(Setting(CUDNN_ATTR_TENSOR_UNIQUE_ID, 1.0F), "another type");
  refused(Setting(CUDNN_ATTR_TENSOR_VECTOR_COUNT, int64_t{1}), "unknown");
}

TEST_CASE("The fake cuDNN refuses other convolutions", "[convolution]") {
  const auto refused = [&](const Change& change, const std::string& because) {
    CheckRefused([&] { MakeConvolution(change); }, because);
  };
  refused(Setting(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CONVOLUTION), "turned");
  refused(Setting(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_BFLOAT16), "sums");
  refused(Setting(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::vector<int64_t>{2, 2}), "dilated");
  refused(Setting(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::vector<int64_t>{-1, 0}), "padding");
  refused(Setting(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::vector<int64_t>{1}), "each dimension");
}

TEST_CASE("The fake cuDNN refuses operations that do not fit together", "[convolution]") {
  using Sides = std::vector<int64_t>;
  CheckRefused([] { MakeOperation(Sides{2, 4, 7, 8}); }, "does not follow");
  CheckRefused([] { MakeOperation(Sides{3, 4, 7, 7}); }, "samples");
  CheckRefused([] { MakeOperation(Sides{2, 5, 7, 7}); }, "feature channels");
  const auto refused = [](const Change& change, const std::string& because) {
    CheckRefused([&] { MakeOperation({2, 4, 7, 7}, change); }, because);
  };
  refused(Setting(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 1.0F), "added");
  refused(
      [](Descriptor& operation) {
        operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                      MakeTensor(1, {2, 3, 14, 14},
                                 Setting(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_BFLOAT16)));
      },
      "different types");
  refused(
      [](Descriptor& operation) {
        operation.Set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, MakeTensor(3, {2, 3, 14, 14}));
      },
      "same id");
}

}  // namespace numeral::cuda
