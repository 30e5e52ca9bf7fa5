// Where the inputs of a step come from: the step counter, shuffled images or pairs, random latents,
// digits and times.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/draws.h"
#include "cpu/elementwise.h"
#include "cpu/parallel.h"
#include "util/permutation.h"

namespace numeral::cpu {
namespace {

template <typename T>
void ScaleBytes(const uint8_t* from, int64_t count, float scale, float shift, T* to) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    to[i] = std::fma(static_cast<float>(from[i]), scale, shift);
  }
}

template <typename T>
class GatherKernel {
 public:
  GatherKernel(const GatherBatch& op, const Binding& binding)
      : op_(op),
        data_images_(binding.U8(op.data_images)),
        data_labels_(binding.U8(op.data_labels)),
        step_(binding.I64(op.step)),
        images_(binding.Activation<T>(op.images)),
        labels_(binding.I32(op.labels)),
        seed_(binding.seed()),
        rows_(binding.info(op.images).rows),
        pixels_(binding.info(op.images).shape.Elems()),
        height_(binding.info(op.images).shape.h),
        width_(binding.info(op.images).shape.w) {
    NUMERAL_CHECK(op.max_shift >= 0 && op.max_shift <= std::min(height_, width_));
    NUMERAL_CHECK(op.max_shift == 0 || binding.info(op.images).shape.c == 1);
    NUMERAL_CHECK(op.data_count > 0 && op.steps_per_epoch > 0);
    NUMERAL_CHECK(op.data_count <= binding.info(op.data_images).rows);
  }

  void operator()() const {
    const int64_t step = RunningStep(step_);
    const Permutation order(static_cast<uint64_t>(op_.data_count), seed_, op_.stream,
                            static_cast<uint64_t>(step / op_.steps_per_epoch));
    const int64_t position = step % op_.steps_per_epoch * op_.batch_size;
    ParallelRanges(rows_, 1, rows_ * pixels_, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        // The remainder matters only where more images are asked for than there are.
        const int64_t index =
            static_cast<int64_t>(order(static_cast<uint64_t>((position + row) % op_.data_count)));
        const uint8_t* image = data_images_ + index * pixels_;
        if (op_.max_shift == 0) {
          ScaleBytes(image, pixels_, op_.scale, op_.shift, images_ + row * pixels_);
        } else {
          ScaleMoved(image, Move(step, 2 * row), Move(step, 2 * row + 1), images_ + row * pixels_);
        }
        if (labels_ != nullptr) labels_[row] = data_labels_[index];
      }
    });
  }

 private:
  // By how many pixels an image moves along one axis.
  int Move(int64_t step, int64_t element) const {
    const uint32_t bits = DrawBits(seed_, op_.shift_stream, static_cast<uint64_t>(step),
                                   static_cast<uint64_t>(element));
    const auto choices = static_cast<uint32_t>(2 * op_.max_shift + 1);
    return static_cast<int>(ChoiceFromBits(bits, choices)) - op_.max_shift;
  }

  void ScaleMoved(const uint8_t* image, int down, int right, T* to) const {
    std::fill_n(to, pixels_, T(op_.shift));
    const int first_y = std::max(down, 0), last_y = std::min(height_ + down, height_);
    const int first_x = std::max(right, 0), last_x = std::min(width_ + right, width_);
    for (int y = first_y; y < last_y; ++y) {
      ScaleBytes(image + (y - down) * width_ + first_x - right, last_x - first_x, op_.scale,
                 op_.shift, to + y * width_ + first_x);
    }
  }

  GatherBatch op_;
  const uint8_t* data_images_;
  const uint8_t* data_labels_;
  const int64_t* step_;
  T* images_;
  int32_t* labels_;
  uint64_t seed_;
  int64_t rows_, pixels_;
  int height_, width_;
};

void UniformBlock(const uint32_t* bits, float* out) {
#pragma omp simd
  for (int i = 0; i < kDrawElems; ++i) out[i] = SignedUnitFromBits(bits[i]);
}

void NormalBlock(const uint32_t* bits, float* out) {
#pragma omp simd
  for (int i = 0; i < kDrawElems / 2; ++i) {
    const NormalPair pair = NormalFromBits(bits[2 * i], bits[2 * i + 1]);
    out[2 * i] = pair.first;
    out[2 * i + 1] = pair.second;
  }
}

template <typename T>
void DrawRange(const DrawKey& key, InputSpec::Distribution distribution, int64_t begin, int64_t end,
               T* out) {
  alignas(64) uint32_t bits[kDrawElems];
  alignas(64) float block[kDrawElems];
  for (int64_t i = begin; i < end; i += kDrawElems) {
    DrawBlock(key, i, bits);
    if (distribution == InputSpec::Distribution::kNormal) {
      NormalBlock(bits, block);
    } else {
      UniformBlock(bits, block);
    }
    const int64_t count = std::min<int64_t>(kDrawElems, end - i);
    for (int64_t k = 0; k < count; ++k) out[i + k] = block[k];
  }
}

}  // namespace

Kernel MakeKernel(const AdvanceStep& op, const Binding& binding) {
  int64_t* step = binding.I64(op.step);
  return [=] { ++*step; };
}

Kernel MakeKernel(const GatherBatch& op, const Binding& binding) {
  return binding.WithElement(op.images,
                             [&]<typename T>() -> Kernel { return GatherKernel<T>(op, binding); });
}

Kernel MakeKernel(const GatherPairs& op, const Binding& binding) {
  NUMERAL_CHECK(op.data_count > 0 && op.steps_per_epoch > 0);
  NUMERAL_CHECK(op.data_count <= binding.info(op.data_latents).rows);
  const float* data_latents = binding.F32(op.data_latents);
  const uint8_t* data_labels = binding.U8(op.data_labels);
  const int64_t* step = binding.I64(op.step);
  int32_t* labels = binding.I32(op.labels);
  const int64_t rows = binding.info(op.latents).rows;
  const int64_t size = binding.info(op.latents).shape.Elems();
  return binding.WithElement(op.latents, [&]<typename T>() -> Kernel {
    return [=, latents = binding.Activation<T>(op.latents), seed = binding.seed()] {
      const int64_t running = RunningStep(step);
      const Permutation order(static_cast<uint64_t>(op.data_count), seed, op.stream,
                              static_cast<uint64_t>(running / op.steps_per_epoch));
      const int64_t position = running % op.steps_per_epoch * op.batch_size;
      for (int64_t row = 0; row < rows; ++row) {
        const auto index = static_cast<int64_t>(order(static_cast<uint64_t>(position + row)));
        const float* from = data_latents + index * size;
        for (int64_t i = 0; i < size; ++i) latents[row * size + i] = from[i];
        labels[row] = data_labels[index];
      }
    };
  });
}

Kernel MakeKernel(const DrawLatents& op, const Binding& binding) {
  const int64_t* step = binding.I64(op.step);
  const int64_t elems = binding.info(op.out).elems();
  return binding.WithElement(op.out, [&]<typename T>() -> Kernel {
    return [=, out = binding.Activation<T>(op.out), seed = binding.seed(), stream = op.stream,
            distribution = op.distribution] {
      const DrawKey key{seed, stream, static_cast<uint64_t>(RunningStep(step))};
      ParallelRanges(elems, kDrawElems, elems, [&](int64_t begin, int64_t end) {
        DrawRange(key, distribution, begin, end, out);
      });
    };
  });
}

Kernel MakeKernel(const DrawDigits& op, const Binding& binding) {
  NUMERAL_CHECK(!op.choices.empty());
  const int64_t* step = binding.I64(op.step);
  int32_t* out = binding.I32(op.out);
  const int64_t rows = binding.info(op.out).rows;
  return [=, seed = binding.seed(), stream = op.stream, choices = op.choices] {
    const DrawKey key{seed, stream, static_cast<uint64_t>(RunningStep(step))};
    const uint32_t count = static_cast<uint32_t>(choices.size());
    alignas(64) uint32_t bits[kDrawElems];
    for (int64_t row = 0; row < rows; ++row) {
      if (row % kDrawElems == 0) DrawBlock(key, row, bits);
      out[row] = choices[ChoiceFromBits(bits[row % kDrawElems], count)];
    }
  };
}

Kernel MakeKernel(const OneHot& op, const Binding& binding) {
  const int32_t* labels = binding.I32(op.labels);
  const int64_t rows = binding.info(op.out).rows, classes = binding.info(op.out).shape.Elems();
  return binding.WithElement(op.out, [&]<typename T>() -> Kernel {
    return [=, out = binding.Activation<T>(op.out)] {
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t j = 0; j < classes; ++j) {
          out[row * classes + j] = labels[row] == j ? 1.0f : 0.0f;
        }
      }
    };
  });
}

Kernel MakeKernel(const DrawTimes& op, const Binding& binding) {
  const int64_t* step = binding.I64(op.step);
  const int64_t rows = binding.info(op.out).elems();
  return binding.WithElement(op.out, [&]<typename T>() -> Kernel {
    return [=, out = binding.Activation<T>(op.out), seed = binding.seed(), stream = op.stream] {
      const DrawKey key{seed, stream, static_cast<uint64_t>(RunningStep(step))};
      alignas(64) uint32_t bits[kDrawElems];
      for (int64_t row = 0; row < rows; ++row) {
        if (row % kDrawElems == 0) DrawBlock(key, row, bits);
        out[row] = UnitFromBits(bits[row % kDrawElems]);
      }
    };
  });
}

Kernel MakeKernel(const FlowPath& op, const Binding& binding) {
  const int64_t rows = binding.info(op.latents).rows;
  const int64_t size = binding.info(op.latents).shape.Elems();
  constexpr float kQuarter = 1.57079632679489662f;
  return binding.WithElement(op.place, [&]<typename T>() -> Kernel {
    const T *noise = binding.Activation<T>(op.noise), *latents = binding.Activation<T>(op.latents);
    const T* times = binding.Activation<T>(op.times);
    T *place = binding.Activation<T>(op.place), *velocity = binding.Activation<T>(op.velocity);
    return [=] {
      ParallelRanges(rows, 1, rows * size, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const float c = std::cos(kQuarter * times[row]), s = std::sin(kQuarter * times[row]);
#pragma omp simd
          for (int64_t i = row * size; i < (row + 1) * size; ++i) {
            place[i] = c * noise[i] + s * latents[i];
            velocity[i] = kQuarter * (c * latents[i] - s * noise[i]);
          }
        }
      });
    };
  });
}

}  // namespace numeral::cpu
