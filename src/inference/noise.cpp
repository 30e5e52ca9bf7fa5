#include "inference/noise.h"

#include "util/error.h"
#include "util/random.h"

namespace numeral {

std::vector<float> DrawNoise(const InputSpec& input, uint64_t seed, const std::string& stream,
                             uint64_t step, int64_t first, int64_t count) {
  constexpr int64_t kElements = int64_t{1} << 34;
  const int64_t size = input.shape.Elems();
  if (first < 0 || count < 0 || first > kElements / size - count) {
    Fail("rows {} to {} of {} latents are more than one seed gives", first, first + count, size);
  }
  const uint32_t id = StreamId(stream);
  std::vector<float> values(static_cast<size_t>(count * size));
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t element = static_cast<uint64_t>(first * size) + i;
    values[i] = input.distribution == InputSpec::Distribution::kNormal
                    ? DrawNormal(seed, id, step, element)
                    : SignedUnitFromBits(DrawBits(seed, id, step, element));
  }
  return values;
}

}  // namespace numeral
