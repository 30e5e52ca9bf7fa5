#include "cuda/engine/cuda_engine.h"

#include <fmt/format.h>

#include "cuda/engine/cuda_executable.h"
#include "cuda/lib/plan_cache.h"
#include "cuda/support/check.h"

namespace numeral::cuda {
namespace {

constexpr int kOldestMajor = 8;  // compute capability; bf16 and TF32 begin there

void SelectDevice() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (status == cudaErrorInsufficientDriver) {
    Fail("no NVIDIA driver that is new enough for CUDA {} is on this machine",
         CUDART_VERSION / 1000);
  }
  if (status != cudaSuccess) Fail("no GPU answers ({})", cudaGetErrorString(status));
  if (count == 0) Fail("there is no GPU on this machine");
  NUMERAL_CUDA(cudaSetDevice(0));
}

cudaDeviceProp Properties() {
  cudaDeviceProp properties = {};
  NUMERAL_CUDA(cudaGetDeviceProperties(&properties, 0));
  if (properties.major < kOldestMajor) {
    Fail("{} has compute capability {}.{}; {}.0 or later is needed", properties.name,
         properties.major, properties.minor, kOldestMajor);
  }
  return properties;
}

std::filesystem::path PlanCacheFile() {
  const std::filesystem::path folder = CacheFolder();
  return folder.empty() ? folder : folder / "convolutions.json";
}

class CudaEngine final : public Engine {
 public:
  explicit CudaEngine(const EngineOptions& options) : options_(options) {
    SelectDevice();
    const cudaDeviceProp properties = Properties();
    libraries_ = std::make_unique<Libraries>(PlanCacheFile());
    capabilities_ = {.name = "cuda",
                     .description = fmt::format("{}, {} MiB, CUDA {}.{}", properties.name,
                                                properties.totalGlobalMem >> 20,
                                                CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10),
                     .precisions = {Precision::kFp32, Precision::kTf32, Precision::kBf16},
                     .graphs = true,
                     .steps_at_once = 2 * PhaseRunner::kStepsPerGraph};
  }

  const Capabilities& capabilities() const override { return capabilities_; }
  // All but products and convolutions with an epilogue, which the capabilities do not announce.
  bool Supports(const Op& op) const override {
    const auto plain = [](const auto* linear) {
      return linear == nullptr || (linear->bias == kNoTensor && linear->activation == Activation{});
    };
    return plain(std::get_if<ConvForward>(&op)) && plain(std::get_if<DenseForward>(&op));
  }
  std::unique_ptr<Executable> Compile(std::shared_ptr<const Plan> plan) override {
    return std::make_unique<CudaExecutable>(std::move(plan), nullptr, options_, *libraries_);
  }
  std::unique_ptr<Executable> CompileSharing(std::shared_ptr<const Plan> plan,
                                             std::shared_ptr<DataMemory> data) override {
    auto of_gpu = std::dynamic_pointer_cast<CudaData>(data);
    NUMERAL_CHECK(of_gpu != nullptr);
    return std::make_unique<CudaExecutable>(std::move(plan), std::move(of_gpu), options_,
                                            *libraries_);
  }

 private:
  EngineOptions options_;
  std::unique_ptr<Libraries> libraries_;
  Capabilities capabilities_;
};

}  // namespace

std::unique_ptr<Engine> MakeCudaEngine(const EngineOptions& options) {
  return std::make_unique<CudaEngine>(options);
}

}  // namespace numeral::cuda
