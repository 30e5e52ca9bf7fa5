#include "tests/train/compare_runs.h"

#include <cmath>
#include <cstring>

#include "tests/catch.h"

namespace numeral {
namespace {

std::vector<float> ReadReals(Session& session, TensorId id) {
  return session.executable().ReadAll<float>(id, session.plan().tensor(id).elems());
}

bool IsGradient(const std::string& name) { return name.find("/grads/") != std::string::npos; }

}  // namespace

void ForEachTensor(Session& a, Session& b,
                   const std::function<void(const std::string& name, const std::vector<float>& in_a,
                                            const std::vector<float>& in_b)>& visit) {
  const Plan& plan = a.plan();
  for (TensorId id = 0; id < static_cast<TensorId>(plan.tensors.size()); ++id) {
    const TensorInfo& info = plan.tensor(id);
    if (info.storage != Storage::kPersistent || info.dtype != DType::kF32) continue;
    if (info.name.starts_with("sample")) continue;
    const TensorId other = b.plan().FindTensor(info.name);
    if (other != kNoTensor) visit(info.name, ReadReals(a, id), ReadReals(b, other));
  }
}

void CheckSameState(Session& a, Session& b, bool metrics) {
  int compared = 0;
  ForEachTensor(a, b, [&](const std::string& name, const auto& in_a, const auto& in_b) {
    if (name == "metrics" && !metrics) return;
    INFO(name);
    ++compared;
    CHECK(in_a.size() == in_b.size());
    CHECK(std::memcmp(in_a.data(), in_b.data(), in_a.size() * sizeof(float)) == 0);
  });
  CHECK(compared > 0);
}

void CheckCloseGradients(Session& a, Session& b, double atol, double share) {
  int compared = 0;
  ForEachTensor(a, b, [&](const std::string& name, const auto& in_a, const auto& in_b) {
    if (!IsGradient(name)) return;
    double sum = 0, worst = 0;
    bool finite = true;
    for (size_t i = 0; i < in_a.size(); ++i) {
      finite = finite && std::isfinite(in_a[i]) && std::isfinite(in_b[i]);
      sum += std::abs(in_b[i]);
      worst = std::max<double>(worst, std::abs(in_a[i] - in_b[i]));
    }
    const double limit = atol + share * sum / static_cast<double>(in_a.size());
    INFO(name << ": off by " << worst << ", limit " << limit);
    ++compared;
    CHECK((finite && worst <= limit));
  });
  CHECK(compared > 0);
}

void CheckCloseLosses(Session& a, Session& b, int64_t steps, double share) {
  const std::vector<float> in_a = a.Metrics(), in_b = b.Metrics();
  for (int64_t step = 0; step < steps; ++step) {
    for (const Metric metric : a.MetricsOf(step)) {
      if (metric != Metric::kDLoss && metric != Metric::kGLoss && metric != Metric::kLoss) continue;
      const auto i = static_cast<size_t>(step * kMetricCount) + static_cast<size_t>(metric);
      INFO("loss " << static_cast<int>(metric) << " of step " << step << ": " << in_a[i] << " and "
                   << in_b[i]);
      CHECK(std::isfinite(in_a[i]));
      CHECK(std::abs(in_a[i] - in_b[i]) <= share * (1 + std::abs(in_b[i])));
    }
  }
}

}  // namespace numeral
