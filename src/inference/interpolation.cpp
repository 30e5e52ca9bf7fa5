#include "inference/interpolation.h"

#include <algorithm>
#include <cmath>

#include "util/error.h"

namespace numeral {

std::vector<float> Interpolate(std::span<const float> from, std::span<const float> to, int steps) {
  NUMERAL_CHECK(steps >= 2 && from.size() == to.size());
  double product = 0, from_square = 0, to_square = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    product += double{from[i]} * to[i];
    from_square += double{from[i]} * from[i];
    to_square += double{to[i]} * to[i];
  }
  const double from_length = std::sqrt(from_square), to_length = std::sqrt(to_square);
  const double lengths = from_length * to_length;
  const double angle = lengths > 0 ? std::acos(std::clamp(product / lengths, -1.0, 1.0)) : 0;
  const bool circle = std::sin(angle) > 1e-6;
  std::vector<float> path;
  for (int step = 0; step < steps; ++step) {
    const double t = static_cast<double>(step) / (steps - 1);
    double a = 1 - t, b = t;
    if (circle && step > 0 && step < steps - 1) {
      const double length = (1 - t) * from_length + t * to_length;
      a = length / from_length * std::sin((1 - t) * angle) / std::sin(angle);
      b = length / to_length * std::sin(t * angle) / std::sin(angle);
    }
    for (size_t i = 0; i < from.size(); ++i) {
      path.push_back(static_cast<float>(a * from[i] + b * to[i]));
    }
  }
  return path;
}

}  // namespace numeral
