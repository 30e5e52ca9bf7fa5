// The tests that need a GPU: those of engine/ over the plugin. Without a GPU they are skipped, with
// the reason.
#define CATCH_CONFIG_RUNNER
#include <cstdio>

#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "util/error.h"

namespace numeral {

std::unique_ptr<Engine> MakeTestedEngine(const EngineOptions& options) {
  return MakeEngine("cuda", options);
}

}  // namespace numeral

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  try {
    const auto engine = numeral::MakeTestedEngine();
    std::printf("on %s\n", engine->capabilities().description.c_str());
  } catch (const numeral::Error& error) {
    std::printf("SKIPPED: %s\n", error.what());
    return kSkipped;
  }
  return Catch::Session().run(argc, argv);
}
