// Small training runs that between them have every kind of layer, loss and order.
#pragma once

#include <vector>

#include "tests/plan/training_run.h"

namespace numeral {

const std::vector<SmallConfig>& SmallConfigs();

}  // namespace numeral
