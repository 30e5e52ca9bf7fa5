// The harness itself: it must find what it is there to find.
#include "tests/support/compare.h"

#include <functional>
#include <limits>
#include <set>

#include "tests/catch.h"
#include "tests/reference/engine.h"
#include "tests/support/op_cases.h"

namespace numeral {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST_CASE("a tolerance accepts only finite neighbours") {
  const Tolerance tolerance{0.1, 0.01};
  CHECK(tolerance.Accepts(1.05, 1));
  CHECK(tolerance.Accepts(101, 100));
  CHECK_FALSE(tolerance.Accepts(1.2, 1));
  CHECK_FALSE(tolerance.Accepts(kNaN, kNaN));
  CHECK_FALSE(tolerance.Accepts(1, kNaN));
  CHECK_FALSE(tolerance.Accepts(kInfinity, kInfinity));
  CHECK(tolerance::kExact.Accepts(-0.0, 0.0));
}

TEST_CASE("a comparison of nothing fails") {
  CHECK_FALSE(ValueComparison(tolerance::kExact).passed());
  ValueComparison comparison(tolerance::kExact);
  comparison.Add("y", {}, {});
  CHECK_FALSE(comparison.passed());
}

TEST_CASE("a comparison reports the first failure and the worst error") {
  ValueComparison comparison(tolerance::kElementwise);
  const std::vector<double> actual = {1, 2.5, 3.25}, expected = {1, 2, 3};
  comparison.Add("y", actual, expected);
  CHECK_FALSE(comparison.passed());
  CHECK(comparison.Summary().find("y[1] is 2.5, not 2") != std::string::npos);
  CHECK(comparison.Summary().find("worst error 0.5 at y[1]") != std::string::npos);
}

// A reference with a fault, as an engine might have it.
class FaultyExecutable final : public Executable {
 public:
  using Fault = std::function<void(Executable&)>;
  FaultyExecutable(std::shared_ptr<const Plan> plan, Fault fault)
      : inner_(std::move(plan)), fault_(std::move(fault)) {}
  void Write(TensorId id, std::span<const std::byte> bytes) override { inner_.Write(id, bytes); }
  void Read(TensorId id, std::span<std::byte> bytes) override { inner_.Read(id, bytes); }
  void Enqueue(int phase, int64_t times) override {
    inner_.Enqueue(phase, times);
    fault_(inner_);
  }
  void Sync() override {}
  EngineCounters Counters() const override { return {}; }
  void SetProfiling(bool) override {}
  std::vector<OpTime> OpTimes() const override { return {}; }

 private:
  reference::ReferenceExecutable inner_;
  Fault fault_;
};

class FaultyEngine final : public Engine {
 public:
  explicit FaultyEngine(FaultyExecutable::Fault fault) : fault_(std::move(fault)) {}
  const Capabilities& capabilities() const override { return capabilities_; }
  bool Supports(const Op&) const override { return true; }
  std::unique_ptr<Executable> Compile(std::shared_ptr<const Plan> plan) override {
    return std::make_unique<FaultyExecutable>(std::move(plan), fault_);
  }

 private:
  Capabilities capabilities_;
  FaultyExecutable::Fault fault_;
};

struct SmallCase {
  TensorId source, target;
  OpCase op_case;
};
SmallCase MakeSmallCase() {
  OneOpPlan plan;
  const TensorId source = plan.AddVector("source", 3);
  const TensorId target = plan.AddVector("target", 3);
  return {source, target,
          plan.Finish("small", EmaUpdate{0.5f, source, target}, tolerance::kElementwise)};
}

TEST_CASE("a wrong, missing, stray or unsteady result is found") {
  const SmallCase small = MakeSmallCase();
  const auto passes = [&](FaultyExecutable::Fault fault) {
    FaultyEngine engine(std::move(fault));
    return CompareWithReference(engine, small.op_case).passed();
  };
  CHECK(passes([](Executable&) {}));
  CHECK_FALSE(passes([&](Executable& e) { e.WriteAll<float>(small.target, {1, 2, 3}); }));
  CHECK_FALSE(passes([&](Executable& e) {
    auto values = e.ReadAll<float>(small.target, 3);
    values[2] = std::numeric_limits<float>::quiet_NaN();
    e.WriteAll(small.target, values);
  }));
  CHECK_FALSE(passes([&](Executable& e) { e.WriteAll<float>(small.source, {1, 2, 3}); }));
  const TensorId guard = small.op_case.plan->FindTensor("guard/target");
  CHECK_FALSE(passes([&](Executable& e) {
    auto values = e.ReadAll<float>(guard, 16);
    values[0] = 0;
    e.WriteAll(guard, values);
  }));
  int runs = 0;
  CHECK_FALSE(passes([&](Executable& e) {
    auto values = e.ReadAll<float>(small.target, 3);
    values[0] += static_cast<float>(++runs) * 3e-8f;
    e.WriteAll(small.target, values);
  }));
}

TEST_CASE("the cases cover every op, and the reference passes them all") {
  reference::ReferenceEngine engine;
  std::set<size_t> covered;
  std::set<std::string> names;
  for (const OpCase& op_case : AllCases()) {
    INFO(op_case.name);
    CHECK(names.insert(op_case.name).second);
    covered.insert(op_case.op().index());
    const ValueComparison comparison = CompareWithReference(engine, op_case);
    INFO(comparison.Summary());
    CHECK(comparison.passed());
  }
  // PrepareWeight writes nothing that can be compared: the cases of convolutions and products use
  // it.
  covered.insert(Op(PrepareWeight{}).index());
  CHECK(covered.size() == std::variant_size_v<OpVariant>);
}

}  // namespace
}  // namespace numeral
