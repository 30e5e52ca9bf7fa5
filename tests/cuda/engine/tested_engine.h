// The CUDA engine as two programs test it: over the emulator, and on a GPU through the plugin.
#pragma once

#include "engine/engine.h"

namespace numeral {

std::unique_ptr<Engine> MakeTestedEngine(const EngineOptions& options = {});

}  // namespace numeral
