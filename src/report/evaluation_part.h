// What `evaluate` wrote beside a generator, as a part of the run's page.
//
// Owns: where evaluation.json has which figure. Whatever is absent in it is left out. Called by the
// page of a run and by the comparison.
#pragma once

#include <string>
#include <vector>

#include "config/parse.h"

namespace numeral {

// Key of metric_info.h and the JSON pointer of the generated images' figure.
struct EvaluatedMetric {
  std::string key, pointer;
};
const std::vector<EvaluatedMetric>& EvaluatedMetrics();

// Empty where there is no evaluation.
std::string EvaluationPart(const Json& evaluation, const std::string& confusion_png,
                           const std::string& mistakes_png);

}  // namespace numeral
