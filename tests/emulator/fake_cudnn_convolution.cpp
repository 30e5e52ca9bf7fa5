#include "tests/emulator/fake_cudnn_convolution.h"

#include <algorithm>
#include <cmath>

#include "tests/emulator/tf32.h"
#include "util/bf16.h"

namespace numeral::emulator {
namespace {

// Where an operation's tensors and factors are.
struct Names {
  FakePass pass;
  cudnnBackendAttributeName_t convolution, image, weight, features, alpha, beta;
};

Names NamesOf(cudnnBackendDescriptorType_t type) {
  switch (type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      return {FakePass::kForward,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      return {FakePass::kBackwardData,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      return {FakePass::kBackwardWeight,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
    default:
      throw CudnnRefusal{CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "not a convolution"};
  }
}

void DemandShape(bool condition, const char* what) {
  Demand(condition, CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, what);
}

std::vector<float> Load(const FakeTensor& tensor, const void* memory, FakeArithmetic arithmetic) {
  std::vector<float> values(tensor.elems());
  if (tensor.bf16) {
    std::transform(static_cast<const uint16_t*>(memory),
                   static_cast<const uint16_t*>(memory) + values.size(), values.begin(),
                   FloatFromBf16);
  } else {
    std::memcpy(values.data(), memory, values.size() * sizeof(float));
    if (arithmetic == FakeArithmetic::kTensorCore) {
      std::transform(values.begin(), values.end(), values.begin(), RoundToTf32);
    }
  }
  return values;
}

void Store(const FakeTensor& tensor, FakeArithmetic arithmetic, std::vector<float> values,
           void* memory) {
  static uint32_t run = 0;
  if (arithmetic == FakeArithmetic::kNondeterministic) {
    ++run;
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] *= 1 + 1e-3F * static_cast<float>((i * 7 + run * 13) % 11) / 11;
    }
  }
  if (arithmetic == FakeArithmetic::kRoundedSums) {
    for (float& value : values)
      value = FloatFromBf16(static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
  }
  if (tensor.bf16) {
    std::transform(values.begin(), values.end(), static_cast<uint16_t*>(memory), Bf16FromFloat);
  } else {
    std::memcpy(memory, values.data(), values.size() * sizeof(float));
  }
}

// Calls visit(features pixel, image pixel, tap) with the pixels' numbers in their tensors, for all
// taps of sample `n` that lie inside the image.
template <typename Visit>
void ForEachTap(const FakeConvolution& convolution, int64_t n, const Visit& visit) {
  const FakeTensor &image = convolution.image, &weight = convolution.weight,
                   &features = convolution.features;
  for (int64_t p = 0; p < features.height; ++p) {
    for (int64_t q = 0; q < features.width; ++q) {
      const int64_t pixel = (n * features.height + p) * features.width + q;
      for (int64_t r = 0; r < weight.height; ++r) {
        const int64_t y = p * convolution.strides[0] - convolution.pads_before[0] + r;
        if (y < 0 || y >= image.height) continue;
        for (int64_t s = 0; s < weight.width; ++s) {
          const int64_t x = q * convolution.strides[1] - convolution.pads_before[1] + s;
          if (x < 0 || x >= image.width) continue;
          visit(pixel, (n * image.height + y) * image.width + x, r * weight.width + s);
        }
      }
    }
  }
}

// to[i] += factor * from[i]. A factor of zero counts too: it makes NaN of an infinity.
void AddScaled(float factor, const float* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

// [k][tap][c] as [tap][c][k], so that the inner loop of the forward pass runs over k.
std::vector<float> Transposed(const FakeTensor& weight, const std::vector<float>& values) {
  const int64_t k_count = weight.outer, rest = weight.height * weight.width * weight.channels;
  std::vector<float> result(values.size());
  for (int64_t k = 0; k < k_count; ++k) {
    for (int64_t i = 0; i < rest; ++i) {
      result[static_cast<size_t>(i * k_count + k)] = values[static_cast<size_t>(k * rest + i)];
    }
  }
  return result;
}

std::vector<float> Forward(const FakeConvolution& convolution, const std::vector<float>& image,
                           const std::vector<float>& weight) {
  const int64_t c_count = convolution.image.channels, k_count = convolution.features.channels;
  const std::vector<float> transposed = Transposed(convolution.weight, weight);
  std::vector<float> features(convolution.features.elems());
  for (int64_t n = 0; n < convolution.image.outer; ++n) {
    ForEachTap(convolution, n, [&](int64_t to, int64_t from, int64_t tap) {
      for (int64_t c = 0; c < c_count; ++c) {
        AddScaled(image[static_cast<size_t>(from * c_count + c)],
                  &transposed[static_cast<size_t>((tap * c_count + c) * k_count)],
                  &features[static_cast<size_t>(to * k_count)], k_count);
      }
    });
  }
  return features;
}

std::vector<float> BackwardData(const FakeConvolution& convolution,
                                const std::vector<float>& weight,
                                const std::vector<float>& features) {
  const int64_t c_count = convolution.image.channels, k_count = convolution.features.channels;
  const int64_t taps = convolution.weight.height * convolution.weight.width;
  std::vector<float> image(convolution.image.elems());
  for (int64_t n = 0; n < convolution.image.outer; ++n) {
    ForEachTap(convolution, n, [&](int64_t from, int64_t to, int64_t tap) {
      for (int64_t k = 0; k < k_count; ++k) {
        AddScaled(features[static_cast<size_t>(from * k_count + k)],
                  &weight[static_cast<size_t>((k * taps + tap) * c_count)],
                  &image[static_cast<size_t>(to * c_count)], c_count);
      }
    });
  }
  return image;
}

// Sums of one sample in fp32, of all samples in double: they are long.
std::vector<float> BackwardWeight(const FakeConvolution& convolution,
                                  const std::vector<float>& image,
                                  const std::vector<float>& features) {
  const int64_t c_count = convolution.image.channels, k_count = convolution.features.channels;
  const int64_t taps = convolution.weight.height * convolution.weight.width;
  std::vector<float> of_sample(convolution.weight.elems());
  std::vector<double> sums(of_sample.size());
  for (int64_t n = 0; n < convolution.image.outer; ++n) {
    std::fill(of_sample.begin(), of_sample.end(), 0.0F);
    ForEachTap(convolution, n, [&](int64_t pixel, int64_t from, int64_t tap) {
      for (int64_t k = 0; k < k_count; ++k) {
        AddScaled(features[static_cast<size_t>(pixel * k_count + k)],
                  &image[static_cast<size_t>(from * c_count)],
                  &of_sample[static_cast<size_t>((k * taps + tap) * c_count)], c_count);
      }
    });
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += of_sample[i];
  }
  return std::vector<float>(sums.begin(), sums.end());
}

}  // namespace

FakeTensor ReadTensor(const FakeDescriptor& tensor) {
  const auto type = tensor.One<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
  Demand(type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_BFLOAT16,
         CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "tensors are fp32 or bf16 here");
  const auto sides = tensor.All<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const auto strides = tensor.All<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  DemandShape(sides.size() == 4 && strides.size() == 4, "tensors have four dimensions here");
  DemandShape(*std::min_element(sides.begin(), sides.end()) > 0, "a dimension is not positive");
  const int64_t channels = sides[1], height = sides[2], width = sides[3];
  const std::vector<int64_t> dense{height * width * channels, 1, width * channels, channels};
  Demand(strides == dense, CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "tensors are dense NHWC here");
  const auto alignment = tensor.One<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  Demand(alignment >= (type == CUDNN_DATA_FLOAT ? 4 : 2) &&
             std::has_single_bit(static_cast<uint64_t>(alignment)),
         CUDNN_STATUS_BAD_PARAM, "the alignment is less than an element or no power of two");
  return {.id = tensor.One<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID),
          .alignment_bytes = alignment,
          .outer = sides[0],
          .channels = channels,
          .height = height,
          .width = width,
          .bf16 = type == CUDNN_DATA_BFLOAT16};
}

void CheckConvolution(const FakeDescriptor& convolution) {
  Demand(convolution.One<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE) == CUDNN_DATA_FLOAT,
         CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "sums are fp32 here");
  Demand(convolution.One<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) ==
             CUDNN_CROSS_CORRELATION,
         CUDNN_STATUS_NOT_SUPPORTED, "kernels are not turned here");
  Demand(convolution.One<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) == 2,
         CUDNN_STATUS_NOT_SUPPORTED, "images have two dimensions here");
  const auto least = [&](cudnnBackendAttributeName_t name) {
    const auto values = convolution.All<int64_t>(name);
    DemandShape(values.size() == 2, "not one value for each dimension");
    return std::min(values[0], values[1]);
  };
  Demand(convolution.All<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS) == std::vector<int64_t>{1, 1},
         CUDNN_STATUS_NOT_SUPPORTED, "kernels are not dilated here");
  Demand(least(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES) >= 1, CUDNN_STATUS_BAD_PARAM, "stride");
  Demand(least(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS) >= 0, CUDNN_STATUS_BAD_PARAM, "padding");
  Demand(least(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS) >= 0, CUDNN_STATUS_BAD_PARAM, "padding");
}

FakeConvolution ReadOperation(const FakeDescriptor& operation) {
  const Names names = NamesOf(operation.type());
  Demand(operation.One<float>(names.alpha) == 1 && operation.One<float>(names.beta) == 0,
         CUDNN_STATUS_NOT_SUPPORTED, "results are neither scaled nor added here");
  const FakeDescriptor& convolution = operation.Child(names.convolution);
  const auto pair = [&](cudnnBackendAttributeName_t name) {
    const auto values = convolution.All<int64_t>(name);
    return std::array{values[0], values[1]};
  };
  const FakeConvolution result{.pass = names.pass,
                               .image = ReadTensor(operation.Child(names.image)),
                               .weight = ReadTensor(operation.Child(names.weight)),
                               .features = ReadTensor(operation.Child(names.features)),
                               .strides = pair(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                               .pads_before = pair(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
                               .pads_after = pair(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS)};
  const FakeTensor &image = result.image, &weight = result.weight, &features = result.features;
  Demand(image.bf16 == weight.bf16 && image.bf16 == features.bf16,
         CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "the tensors have different types");
  Demand(image.id != weight.id && image.id != features.id && weight.id != features.id,
         CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "two tensors have the same id");
  DemandShape(image.outer == features.outer, "different numbers of samples");
  DemandShape(image.channels == weight.channels, "different numbers of image channels");
  DemandShape(features.channels == weight.outer, "different numbers of feature channels");
  const auto positions = [&](size_t i, int64_t side, int64_t kernel) {
    const int64_t room = side + result.pads_before[i] + result.pads_after[i] - kernel;
    DemandShape(room >= 0, "the kernel is larger than the padded image");
    return room / result.strides[i] + 1;
  };
  DemandShape(features.height == positions(0, image.height, weight.height) &&
                  features.width == positions(1, image.width, weight.width),
              "the features' size does not follow from image, kernel, stride and padding");
  return result;
}

void Compute(const FakeConvolution& convolution, FakeArithmetic arithmetic, void* image,
             void* weight, void* features) {
  const auto load = [&](const FakeTensor& tensor, const void* memory) {
    return Load(tensor, memory, arithmetic);
  };
  switch (convolution.pass) {
    case FakePass::kForward:
      Store(convolution.features, arithmetic,
            Forward(convolution, load(convolution.image, image), load(convolution.weight, weight)),
            features);
      break;
    case FakePass::kBackwardData:
      Store(convolution.image, arithmetic,
            BackwardData(convolution, load(convolution.weight, weight),
                         load(convolution.features, features)),
            image);
      break;
    case FakePass::kBackwardWeight:
      Store(convolution.weight, arithmetic,
            BackwardWeight(convolution, load(convolution.image, image),
                           load(convolution.features, features)),
            weight);
      break;
  }
}

}  // namespace numeral::emulator
