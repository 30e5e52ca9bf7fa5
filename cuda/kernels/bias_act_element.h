// What BiasActForward and BiasActBackward make of an element, for the kernels of bias_act.cu and
// for those that do it to their own results before they store them (BiasActEpilogue). Numerics and
// the meaning of signed zeros as in bias_act.h.
//
// A functor of an epilogue gives the T that is stored at element i of the tensor, which is of the
// given channel, from the sum that was x or grad_y: Element for one of them, Elements for a pack of
// neighbours, where InPacks holds and i and the channel are multiples of a pack. The sum is not
// rounded to T before.
#pragma once

#include "cuda/kernels/activation.h"
#include "cuda/kernels/bias_act.h"
#include "cuda/support/float_pack.h"
#include "cuda/support/simt.h"
#include "util/random.h"

namespace numeral::cuda {

inline constexpr int kDrawGroup = 4;  // elements of a Philox block

// The sum of what is kept and dropped says which it was by its sign: rounding must not make a kept
// element a negative zero.
template <typename T>
__device__ T KeptElement(float value) {
  const T rounded = FromFloat<T>(value);
  return ToFloat(rounded) == 0 ? FromFloat<T>(0.0f) : rounded;
}

// Dropout of an activation's result.
template <typename T>
__device__ T DropElement(float value, uint32_t draw, uint32_t threshold, float scale) {
  return draw < threshold ? FromFloat<T>(-0.0f) : KeptElement<T>(value * scale);
}

// grad * act'(.) * mask * scale, read off the result y; keep = 1 / scale.
template <bool kDropout, typename Act>
__device__ float GradientElement(const Act& act, float grad, float y, float keep, float scale) {
  if (!kDropout) return grad * act.Derivative(y);
  const bool dropped = __float_as_uint(y) == 0x80000000u;  // -0.0
  return dropped ? 0.0f : grad * (scale * act.Derivative(y * keep));
}

// ---- epilogues

// No epilogue.
template <typename T>
struct RoundedElement {
  bool InPacks() const { return true; }
  __device__ T Element(float sum, int64_t, int) const { return FromFloat<T>(sum); }
  __device__ Pack<T> Elements(const float (&sums)[kPackElems<T>], int64_t, int) const {
    Pack<T> pack;
#pragma unroll
    for (int j = 0; j < kPackElems<T>; ++j) pack.at[j] = FromFloat<T>(sums[j]);
    return pack;
  }
};

template <typename T, typename Act>
struct ForwardEpilogue {
  BiasActForwardArgs<T> args;
  Act act;
  uint32_t threshold;
  float scale;

  ForwardEpilogue(const BiasActForwardArgs<T>& bound, const Act& activation)
      : args(bound),
        act(activation),
        threshold(DropoutThreshold(bound.dropout_rate)),
        scale(1 / (1 - bound.dropout_rate)) {}

  bool InPacks() const {
    for (int i = 0; i < args.range_count; ++i) {
      if (args.ranges[i].first_elem % kPackElems<T> != 0) return false;
    }
    return true;
  }

  __device__ T Element(float sum, int64_t i, int channel) const {
    const float value = Activated(sum, channel);
    if (args.dropout_rate == 0) return FromFloat<T>(value);
    const DropoutRange& range = RangeOf(i);
    const int64_t place = i - range.first_elem;
    return DropElement<T>(value, DrawFor(range, place).lane[place % kDrawGroup], threshold, scale);
  }
  __device__ Pack<T> Elements(const float (&sums)[kPackElems<T>], int64_t i, int channel) const {
    float values[kPackElems<T>];
#pragma unroll
    for (int j = 0; j < kPackElems<T>; ++j) values[j] = Activated(sums[j], channel + j);
    if (args.dropout_rate == 0) return RoundedElement<T>().Elements(values, i, channel);
    const DropoutRange& range = RangeOf(i);
    Pack<T> pack;
#pragma unroll
    for (int first = 0; first < kPackElems<T>; first += kDrawGroup) {
      const PhiloxBlock draws = DrawFor(range, i + first - range.first_elem);
#pragma unroll
      for (int j = 0; j < kDrawGroup; ++j) {
        pack.at[first + j] = DropElement<T>(values[first + j], draws.lane[j], threshold, scale);
      }
    }
    return pack;
  }

 private:
  __device__ float Activated(float sum, int channel) const {
    return act(args.bias == nullptr ? sum : sum + args.bias[channel]);
  }
  // The last that begins at or before element i.
  __device__ const DropoutRange& RangeOf(int64_t i) const {
    int range = args.range_count - 1;
    while (range > 0 && args.ranges[range].first_elem > i) --range;
    return args.ranges[range];
  }
  __device__ PhiloxBlock DrawFor(const DropoutRange& range, int64_t place) const {
    return Draw(args.seed, range.stream, static_cast<uint64_t>(*args.step - 1),
                static_cast<uint32_t>(place / kDrawGroup));
  }
};

template <typename T, typename Act>
struct BackwardEpilogue {
  const T* y;
  bool dropout;
  float keep, scale;
  Act act;

  BackwardEpilogue(const BiasActBackwardArgs<T>& args, const Act& activation)
      : y(args.y),
        dropout(args.dropout_rate > 0),
        keep(1 - args.dropout_rate),
        scale(1 / (1 - args.dropout_rate)),
        act(activation) {}

  bool InPacks() const { return Aligned(16, y); }

  // Not rounded, where `result` is y of the element.
  __device__ float Gradient(float grad, float result) const {
    return dropout ? GradientElement<true>(act, grad, result, keep, scale)
                   : GradientElement<false>(act, grad, result, keep, scale);
  }
  __device__ T Element(float sum, int64_t i, int) const {
    return FromFloat<T>(Gradient(sum, ToFloat(y[i])));
  }
  __device__ Pack<T> Elements(const float (&sums)[kPackElems<T>], int64_t i, int) const {
    const Pack<T> results = LoadPack(y + i);
    Pack<T> pack;
#pragma unroll
    for (int j = 0; j < kPackElems<T>; ++j) {
      pack.at[j] = FromFloat<T>(Gradient(sums[j], ToFloat(results.at[j])));
    }
    return pack;
  }
};

// use(functor) with that of the epilogue of a tensor of so many channels.
template <typename T, typename Use>
void WithEpilogue(const BiasActEpilogue<T>& epilogue, int channels, const Use& use) {
  if (const auto* forward = std::get_if<BiasActForwardArgs<T>>(&epilogue)) {
    Require(forward->channels == channels && forward->range_count > 0 &&
                forward->range_count <= kMaxDropoutRanges &&
                (forward->dropout_rate == 0 || forward->step != nullptr),
            "epilogue: bias and activation");
    WithActivation(forward->activation, [&](auto act) { use(ForwardEpilogue(*forward, act)); });
  } else if (const auto* backward = std::get_if<BiasActBackwardArgs<T>>(&epilogue)) {
    Require(backward->y != nullptr && backward->grad_bias == nullptr,
            "epilogue: gradient of an activation");
    WithActivation(backward->activation, [&](auto act) { use(BackwardEpilogue(*backward, act)); });
  } else {
    use(RoundedElement<T>());
  }
}

}  // namespace numeral::cuda
