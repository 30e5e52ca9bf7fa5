#include "engine/engine.h"

#include <algorithm>

#include "engine/plugin.h"
#include "util/error.h"

namespace numeral {

void Executable::StartRead(TensorId id, size_t size_bytes) {
  NUMERAL_CHECK(started_reads_.size() < kReadsUnderWay);
  Read(id, started_reads_.emplace_back(size_bytes));
}

void Executable::FinishRead(std::span<std::byte> bytes) {
  NUMERAL_CHECK(!started_reads_.empty() && started_reads_.front().size() == bytes.size());
  std::copy(started_reads_.front().begin(), started_reads_.front().end(), bytes.begin());
  started_reads_.pop_front();
}

std::unique_ptr<Engine> MakeEngine(const std::string& device, const EngineOptions& options) {
  if (device == "cpu") return MakeCpuEngine(options);
  if (device != "auto" && device != "cuda") {
    BadInput("--device {}: no such device; use auto, cpu or cuda", device);
  }
  PluginEngine plugin = OpenCudaEngine(options);
  if (plugin.engine != nullptr) return std::move(plugin.engine);
  if (device == "auto") return MakeCpuEngine(options);
  BadInput("--device cuda: {}; use --device cpu or auto", plugin.reason);
}

}  // namespace numeral
