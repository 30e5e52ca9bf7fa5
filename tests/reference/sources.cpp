#include <cmath>

#include "tests/reference/ops.h"
#include "util/error.h"
#include "util/permutation.h"
#include "util/random.h"

namespace numeral::reference {

void Run(const AdvanceStep& op, Store& store) { store.Integers(op.step)[0] += 1; }

void Run(const GatherBatch& op, Store& store) {
  const int64_t step = store.RunningStep(op.step);
  const int64_t epoch = step / op.steps_per_epoch;
  const int64_t first = (step % op.steps_per_epoch) * op.batch_size;
  const Permutation order(static_cast<uint64_t>(op.data_count), store.plan().seed, op.stream,
                          static_cast<uint64_t>(epoch));
  const auto data_images = store.Integers(op.data_images);
  const auto data_labels = store.Integers(op.data_labels);
  const auto images = store.F32(op.images);
  const auto labels = store.Integers(op.labels);
  const auto pixels = static_cast<size_t>(store.shape(op.images).Elems());
  NUMERAL_CHECK(store.rows(op.labels) == store.rows(op.images));
  for (int64_t row = 0; row < store.rows(op.images); ++row) {
    NUMERAL_CHECK(first + row < op.data_count);
    const auto source = static_cast<size_t>(order(static_cast<uint64_t>(first + row)));
    const auto target = static_cast<size_t>(row);
    labels[target] = data_labels[source];
    const auto moved = [&](uint64_t element) {
      const uint32_t bits =
          DrawBits(store.plan().seed, op.shift_stream, static_cast<uint64_t>(step), element);
      const auto choices = static_cast<uint32_t>(2 * op.max_shift + 1);
      return static_cast<int>(ChoiceFromBits(bits, choices)) - op.max_shift;
    };
    const int down = op.max_shift == 0 ? 0 : moved(2 * target);
    const int right = op.max_shift == 0 ? 0 : moved(2 * target + 1);
    const Shape& shape = store.shape(op.images);
    for (size_t i = 0; i < pixels; ++i) {
      const int y = static_cast<int>(i) / shape.w - down, x = static_cast<int>(i) % shape.w - right;
      const bool inside = y >= 0 && y < shape.h && x >= 0 && x < shape.w;
      const auto from = static_cast<size_t>(y * shape.w + x);
      const auto value = inside ? static_cast<double>(data_images[source * pixels + from]) : 0.0;
      images[target * pixels + i] = value * op.scale + op.shift;
    }
  }
}

void Run(const GatherPairs& op, Store& store) {
  const int64_t step = store.RunningStep(op.step);
  const int64_t first = (step % op.steps_per_epoch) * op.batch_size;
  const Permutation order(static_cast<uint64_t>(op.data_count), store.plan().seed, op.stream,
                          static_cast<uint64_t>(step / op.steps_per_epoch));
  const auto data_latents = store.F32(op.data_latents);
  const auto data_labels = store.Integers(op.data_labels);
  const auto latents = store.F32(op.latents);
  const auto labels = store.Integers(op.labels);
  const auto size = static_cast<size_t>(store.shape(op.latents).Elems());
  NUMERAL_CHECK(store.shape(op.data_latents) == store.shape(op.latents));
  NUMERAL_CHECK(store.rows(op.labels) == store.rows(op.latents));
  for (int64_t row = 0; row < store.rows(op.latents); ++row) {
    NUMERAL_CHECK(first + row < op.data_count);
    const auto source = static_cast<size_t>(order(static_cast<uint64_t>(first + row)));
    const auto target = static_cast<size_t>(row);
    labels[target] = data_labels[source];
    for (size_t i = 0; i < size; ++i) {
      latents[target * size + i] = data_latents[source * size + i];
    }
  }
}

void Run(const DrawLatents& op, Store& store) {
  const auto step = static_cast<uint64_t>(store.RunningStep(op.step));
  const uint64_t seed = store.plan().seed;
  const auto out = store.F32(op.out);
  // The element of a draw is row * size + feature: the position in `out`.
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = op.distribution == InputSpec::Distribution::kNormal
                 ? DrawNormal(seed, op.stream, step, i)
                 : SignedUnitFromBits(DrawBits(seed, op.stream, step, i));
  }
}

void Run(const DrawDigits& op, Store& store) {
  const auto step = static_cast<uint64_t>(store.RunningStep(op.step));
  const auto out = store.Integers(op.out);
  for (size_t row = 0; row < out.size(); ++row) {
    const uint32_t bits = DrawBits(store.plan().seed, op.stream, step, row);
    out[row] = op.choices[ChoiceFromBits(bits, static_cast<uint32_t>(op.choices.size()))];
  }
}

void Run(const OneHot& op, Store& store) {
  const auto labels = store.Integers(op.labels);
  const auto out = store.F32(op.out);
  NUMERAL_CHECK(out.size() == labels.size() * 10);
  for (size_t row = 0; row < labels.size(); ++row) {
    NUMERAL_CHECK(labels[row] >= 0 && labels[row] < 10);
    for (size_t digit = 0; digit < 10; ++digit) {
      out[row * 10 + digit] = labels[row] == static_cast<int64_t>(digit) ? 1 : 0;
    }
  }
}

void Run(const DrawTimes& op, Store& store) {
  const auto step = static_cast<uint64_t>(store.RunningStep(op.step));
  const auto out = store.F32(op.out);
  for (size_t row = 0; row < out.size(); ++row) {
    out[row] = UnitFromBits(DrawBits(store.plan().seed, op.stream, step, row));
  }
}

void Run(const FlowPath& op, Store& store) {
  const auto noise = store.F32(op.noise), latents = store.F32(op.latents);
  const auto times = store.F32(op.times);
  const auto place = store.F32(op.place), velocity = store.F32(op.velocity);
  const auto size = static_cast<size_t>(store.shape(op.latents).Elems());
  NUMERAL_CHECK(noise.size() == latents.size() && place.size() == latents.size());
  NUMERAL_CHECK(velocity.size() == latents.size() && times.size() * size == latents.size());
  for (size_t i = 0; i < latents.size(); ++i) {
    const double quarter = std::acos(-1.0) / 2, angle = quarter * times[i / size];
    place[i] = std::cos(angle) * noise[i] + std::sin(angle) * latents[i];
    velocity[i] = quarter * (std::cos(angle) * latents[i] - std::sin(angle) * noise[i]);
  }
}

}  // namespace numeral::reference
