// bench_ceilings: what this machine reaches at most, measured: a large product by the engine's
// library, on random numbers, and on a CPU a large copy by all threads, bytes read and written
// counted. Of a GPU's memory bench_device_copy tells. Prints one JSON object.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>

#include "config/parse.h"
#include "engine/engine.h"
#include "plan/arena.h"
#include "tools/tool_main.h"
#include "util/bf16.h"
#include "util/random.h"

namespace {

using namespace numeral;
using Clock = std::chrono::steady_clock;

constexpr int kRuns = 15;
constexpr size_t kCopyBytes = size_t{512} << 20;  // many times what any cache holds

struct Options {
  std::string device = "cpu";
  int size = 0;  // rows and columns of the factors
};

double SecondsOf(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The fastest of some runs, after one that warms up: nothing that disturbs makes a ceiling higher.
double LeastSeconds(const std::function<void()>& work) {
  work();
  double least = SecondsOf(work);
  for (int i = 1; i < kRuns; ++i) least = std::min(least, SecondsOf(work));
  return least;
}

TensorId AddMatrix(Plan& plan, const std::string& name, int size, DType dtype) {
  TensorInfo info;
  info.name = name;
  info.dtype = dtype;
  info.storage = Storage::kPersistent;
  info.rows = size;
  info.shape = Shape::Flat(size);
  plan.tensors.push_back(info);
  return static_cast<TensorId>(plan.tensors.size() - 1);
}

void Fill(Executable& executable, const TensorInfo& info, TensorId id) {
  std::vector<float> values(static_cast<size_t>(info.elems()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(DrawBits(1, StreamId(info.name), 0, i)) * 0x1p-31f - 1;
  }
  if (info.dtype == DType::kF32) return executable.WriteAll(id, values);
  std::vector<uint16_t> rounded(values.size());
  std::transform(values.begin(), values.end(), rounded.begin(), Bf16FromFloat);
  executable.WriteAll(id, rounded);
}

double ProductFlopsPerSecond(Engine& engine, Precision precision, int size) {
  Plan plan;
  plan.precision = precision;
  const DType stored = precision == Precision::kBf16 ? DType::kBF16 : DType::kF32;
  const TensorId x = AddMatrix(plan, "x", size, stored);
  const TensorId weight = AddMatrix(plan, "weight", size, DType::kF32);
  const TensorId y = AddMatrix(plan, "y", size, stored);
  const DenseForward product{size, size, size, x, weight, kNoTensor, y, {}};
  plan.phases.push_back({PhaseKind::kPrepare, 0, {{PrepareWeight{weight}, "prepare"}}});
  plan.phases.push_back({PhaseKind::kStep, size, {{product, "product"}}});
  PlaceTensors(plan, false, 0);
  const auto shared = std::make_shared<const Plan>(plan);
  const auto executable = engine.Compile(shared);
  for (const TensorId id : {x, weight}) Fill(*executable, plan.tensor(id), id);
  executable->Enqueue(0);
  const int64_t times = engine.capabilities().steps_at_once;  // so that waiting does not count
  const double seconds = LeastSeconds([&] {
    executable->Enqueue(1, times);
    executable->Sync();
  });
  return static_cast<double>(CostOf(plan, plan.phases[1].ops[0].op).flops * times) / seconds;
}

double CopyBytesPerSecond() {
  const int threads = omp_get_max_threads();
  const size_t part = kCopyBytes / static_cast<size_t>(threads) / 64 * 64;
  std::vector<std::unique_ptr<char[]>> from(static_cast<size_t>(threads)), to(from.size());
#pragma omp parallel for schedule(static, 1)
  for (int i = 0; i < threads; ++i) {
    const auto t = static_cast<size_t>(i);
    from[t] = std::make_unique<char[]>(part);
    to[t] = std::make_unique<char[]>(part);
    for (size_t j = 0; j < part; ++j) from[t][j] = static_cast<char>(j * 7 + t);
  }
  const double seconds = LeastSeconds([&] {
#pragma omp parallel for schedule(static, 1)
    for (int i = 0; i < threads; ++i) {
      const auto t = static_cast<size_t>(i);
      std::memcpy(to[t].get(), from[t].get(), part);
    }
  });
  return 2.0 * static_cast<double>(part) * threads / seconds;
}

int Run(const Options& o) {
  const std::map<std::string, Precision> precisions{
      {"fp32", Precision::kFp32}, {"tf32", Precision::kTf32}, {"bf16", Precision::kBf16}};
  const auto engine = MakeEngine(o.device);
  const Capabilities& capabilities = engine->capabilities();
  const bool on_cpu = capabilities.name == "cpu";
  const int size = o.size > 0 ? o.size : on_cpu ? 2048 : 8192;
  Json result{{"ready", capabilities.description}, {"size", size}};
  for (const auto& [name, precision] : precisions) {
    const auto& known = capabilities.precisions;
    if (std::find(known.begin(), known.end(), precision) == known.end()) continue;
    result["flops_per_second"][name] = ProductFlopsPerSecond(*engine, precision, size);
  }
  if (on_cpu) result["bytes_per_second"] = CopyBytesPerSecond();
  std::cout << result.dump() << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures what products and copies reach at most.", "bench_ceilings");
  Options options;
  app.add_option("--device", options.device, "auto, cpu or cuda")->capture_default_str();
  app.add_option("--size", options.size, "rows and columns of the factors")
      ->check(CLI::Range(16, 32768));
  return ToolMain(app, argc, argv, [&] { return Run(options); });
}
