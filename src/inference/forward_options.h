// How the plan of a network that only runs forward is made. Internal to inference/.
#pragma once

#include "engine/engine.h"
#include "plan/compile.h"

namespace numeral {

// For `rows` rows at a time, with what `engine` can do at once.
inline PlanOptions ForwardOptions(const Engine& engine, int rows) {
  const Capabilities& capabilities = engine.capabilities();
  return {.conv_epilogue = capabilities.conv_epilogue,
          .dense_epilogue = capabilities.dense_epilogue,
          .sample_rows = rows};
}

}  // namespace numeral
