#include "engine/engine.h"

#include "util/error.h"

namespace numeral {

std::unique_ptr<Engine> MakeEngine(const std::string& device) {
  if (device == "cpu" || device == "auto") return MakeCpuEngine();
  if (device == "cuda") {
    BadInput("--device cuda: this build has no CUDA engine; use --device cpu or auto");
  }
  BadInput("--device {}: no such device; use auto, cpu or cuda", device);
}

}  // namespace numeral
