// Two sessions of one config, tensor by tensor.
#pragma once

#include <functional>
#include <string>

#include "train/session.h"

namespace numeral {

// What the sessions hold in every persistent fp32 tensor that is in both plans, the data set left
// out: weights, gradients, moments, averages, running statistics, metrics.
void ForEachTensor(Session& a, Session& b,
                   const std::function<void(const std::string& name, const std::vector<float>& in_a,
                                            const std::vector<float>& in_b)>& visit);

// Catch assertions. Equal to the bit in at least one tensor and all others; a resumed run knows no
// metrics of the steps before it.
void CheckSameState(Session& a, Session& b, bool metrics = true);
// Every gradient within `share` of its tensor's mean size, and `atol`.
void CheckCloseGradients(Session& a, Session& b, double atol, double share);
// Every loss of the first `steps` steps within `share` of itself and one.
void CheckCloseLosses(Session& a, Session& b, int64_t steps, double share);

}  // namespace numeral
