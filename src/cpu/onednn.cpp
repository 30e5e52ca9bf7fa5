#include "cpu/onednn.h"

#include <dnnl.h>
#include <fmt/format.h>

#include "util/error.h"

namespace numeral::cpu {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

constexpr auto kF32 = memory::data_type::f32;

memory::data_type LibraryType(DType type) {
  NUMERAL_CHECK(IsReal(type));
  return type == DType::kF32 ? kF32 : memory::data_type::bf16;
}

memory::desc Vector(int size) { return {{size}, kF32, Tag::a}; }

void AppendActivation(dnnl::post_ops& ops, dnnl::algorithm algorithm, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(algorithm, alpha, 0);
#else
  ops.append_eltwise(1, algorithm, alpha, 0);
#endif
}

dnnl::primitive_attr Attributes(const Activation& activation, bool add = false) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops ops;
  if (add) ops.append_sum(1);
  switch (activation.kind) {
    case ActivationKind::kIdentity:
      break;
    case ActivationKind::kLeakyRelu:
      AppendActivation(ops, dnnl::algorithm::eltwise_relu, activation.slope);
      break;
    case ActivationKind::kTanh:
      AppendActivation(ops, dnnl::algorithm::eltwise_tanh, 0);
      break;
    case ActivationKind::kSigmoid:
      AppendActivation(ops, dnnl::algorithm::eltwise_logistic, 0);
      break;
  }
  attributes.set_post_ops(ops);
  return attributes;
}

// A primitive descriptor of either generation: version 2 wraps the arguments in Primitive::desc.
#if DNNL_VERSION_MAJOR >= 3
template <typename Primitive, typename... Args>
typename Primitive::primitive_desc Describe(const dnnl::engine& engine,
                                            const dnnl::primitive_attr& attributes,
                                            Args&&... args) {
  return {engine, std::forward<Args>(args)..., attributes};
}
template <typename Primitive, typename Hint, typename... Args>
typename Primitive::primitive_desc DescribeBackward(const dnnl::engine& engine,
                                                    const dnnl::primitive_attr& attributes,
                                                    const Hint& hint, Args&&... args) {
  return {engine, std::forward<Args>(args)..., hint, attributes};
}
#else
template <typename Primitive, typename... Args>
typename Primitive::primitive_desc Describe(const dnnl::engine& engine,
                                            const dnnl::primitive_attr& attributes,
                                            Args&&... args) {
  return {typename Primitive::desc(std::forward<Args>(args)...), attributes, engine};
}
template <typename Primitive, typename Hint, typename... Args>
typename Primitive::primitive_desc DescribeBackward(const dnnl::engine& engine,
                                                    const dnnl::primitive_attr& attributes,
                                                    const Hint& hint, Args&&... args) {
  return {typename Primitive::desc(std::forward<Args>(args)...), attributes, engine, hint};
}
#endif

memory::dims WeightDims(const ConvGeometry& g) { return {g.k, g.c, g.r, g.s}; }

struct ConvDescs {
  memory::desc image, weight, features;
  memory::dims strides, pad_begin, pad_end;
};

ConvDescs Describe(const ConvGeometry& g, memory::data_type type) {
  return {{{g.n, g.c, g.h, g.w}, type, Tag::nhwc},
          {WeightDims(g), type, Tag::any},
          {{g.n, g.k, g.p, g.q}, type, Tag::nhwc},
          {g.stride_h, g.stride_w},
          {g.pad_top, g.pad_left},
          {(g.p - 1) * g.stride_h + g.r - g.h - g.pad_top,
           (g.q - 1) * g.stride_w + g.s - g.w - g.pad_left}};
}

}  // namespace

LibraryConv MakeConv(const dnnl::engine& engine, ConvDirection direction,
                     const ConvGeometry& geometry, DType type, bool bias,
                     const Activation& activation) {
  const ConvDescs d = Describe(geometry, LibraryType(type));
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const bool forward_only = direction == ConvDirection::kForward;
  const dnnl::primitive_attr attributes = Attributes(forward_only ? activation : Activation());
  const bool with_bias = forward_only && bias;
  const memory::desc bias_desc = with_bias ? Vector(geometry.k) : memory::desc();
  const auto kind = dnnl::prop_kind::forward_training;
  const auto forward = with_bias ? Describe<dnnl::convolution_forward>(
                                       engine, attributes, kind, algorithm, d.image, d.weight,
                                       bias_desc, d.features, d.strides, d.pad_begin, d.pad_end)
                                 : Describe<dnnl::convolution_forward>(
                                       engine, attributes, kind, algorithm, d.image, d.weight,
                                       d.features, d.strides, d.pad_begin, d.pad_end);
  switch (direction) {
    case ConvDirection::kForward:
      return {dnnl::convolution_forward(forward), d.image,  forward.weights_desc(), d.features,
              forward.scratchpad_desc(),          bias_desc};
    case ConvDirection::kBackwardData: {
      const auto backward = DescribeBackward<dnnl::convolution_backward_data>(
          engine, attributes, forward, algorithm, d.image, d.weight, d.features, d.strides,
          d.pad_begin, d.pad_end);
      return {dnnl::convolution_backward_data(backward),
              d.image,
              backward.weights_desc(),
              d.features,
              backward.scratchpad_desc(),
              {}};
    }
    default: {
      const memory::desc grad_weight(WeightDims(geometry), kF32, Tag::any);
      const auto backward = DescribeBackward<dnnl::convolution_backward_weights>(
          engine, attributes, forward, algorithm, d.image, grad_weight, d.features, d.strides,
          d.pad_begin, d.pad_end);
      return {dnnl::convolution_backward_weights(backward),
              d.image,
              backward.diff_weights_desc(),
              d.features,
              backward.scratchpad_desc(),
              {}};
    }
  }
}

LibraryProduct MakeProduct(const dnnl::engine& engine, const ProductSpec& spec) {
  const auto matrix = [&](int rows, int columns, bool transposed, DType type, int64_t elems) {
    memory::dims sizes = {rows, columns};
    memory::dims strides = transposed ? memory::dims{1, rows} : memory::dims{columns, 1};
    if (spec.count > 1) {
      sizes.insert(sizes.begin(), spec.count);
      strides.insert(strides.begin(), elems);
    }
    return memory::desc(sizes, LibraryType(type), strides);
  };
  const memory::desc a = matrix(spec.m, spec.k, spec.transpose_a, spec.operands, spec.a_elems);
  const memory::desc b = matrix(spec.k, spec.n, spec.transpose_b, spec.operands, spec.b_elems);
  const memory::desc result = matrix(spec.m, spec.n, false, spec.result, spec.result_elems);
  const memory::desc bias = spec.bias ? memory::desc({1, spec.n}, kF32, Tag::ab) : memory::desc();
  const dnnl::primitive_attr attributes = Attributes(spec.activation, spec.add);
  const auto product = spec.bias ? Describe<dnnl::matmul>(engine, attributes, a, b, bias, result)
                                 : Describe<dnnl::matmul>(engine, attributes, a, b, result);
  return {dnnl::matmul(product), a, b, bias, result, product.scratchpad_desc()};
}

memory::desc PlainWeight(const ConvGeometry& g) { return {WeightDims(g), kF32, Tag::ohwi}; }

memory::desc FlatFloats(int64_t elems) { return {{elems}, kF32, Tag::a}; }

dnnl::reorder MakeReorder(const dnnl::engine& engine, const memory::desc& from,
                          const memory::desc& to, bool add) {
  dnnl::primitive_attr attributes;
  if (add) {
    dnnl::post_ops ops;
    ops.append_sum(1);
    attributes.set_post_ops(ops);
  }
  return dnnl::reorder(dnnl::reorder::primitive_desc(engine, from, engine, to, attributes));
}

BoundPrimitive::BoundPrimitive(dnnl::primitive primitive, std::vector<std::pair<int, memory>> args)
    : primitive_(std::move(primitive)) {
  for (auto& [arg, bound] : args) {
    memories_.push_back(std::move(bound));
    args_.push_back({arg, memories_.back().get()});
  }
}

void BoundPrimitive::Run(const dnnl::stream& stream) const {
  const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), stream.get(),
                                                      static_cast<int>(args_.size()), args_.data());
  if (status != dnnl_success)
    Fail("oneDNN: running a primitive failed with status {}", int{status});
}

std::string LibraryVersion() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

bool ProcessorHasBf16() {
  // A set of instructions includes those that its bits do.
  const auto bf16 = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & bf16) == bf16;
}

void Gemm(bool transpose_a, int m, int n, int k, const float* a, const float* b, float beta,
          float* c) {
  const dnnl_status_t status = dnnl_sgemm(transpose_a ? 'T' : 'N', 'N', m, n, k, 1.0f, a,
                                          transpose_a ? m : k, b, n, beta, c, n);
  if (status != dnnl_success) Fail("oneDNN: a product failed with status {}", int{status});
}

}  // namespace numeral::cpu
