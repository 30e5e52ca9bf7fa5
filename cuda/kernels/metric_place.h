// Where kernels of losses leave their value: metrics[(running step) % ring][metric].
#pragma once

#include "cuda/support/step.h"
#include "plan/ops.h"

namespace numeral::cuda {

struct MetricPlace {
  float* metrics;  // [ring][kMetricCount]
  int64_t ring;
  const int64_t* step;  // nullptr: row 0
  Metric metric;
};

__device__ inline float* AddressOf(const MetricPlace& place) {
  const int64_t step = RunningStep(place.step);
  return place.metrics + (step < 0 ? 0 : step % place.ring) * kMetricCount +
         static_cast<int>(place.metric);
}

}  // namespace numeral::cuda
