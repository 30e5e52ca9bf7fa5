// Graphs of phases whose nodes run side by side, against the same phases op by op.
#include "cuda/engine/cuda_engine.h"
#include "cuda/engine/graph_size.h"
#include "cuda/support/check.h"
#include "cuda/support/runtime.h"
#include "tests/catch.h"
#include "tests/emulator/stream.h"
#include "tests/support/one_op.h"

namespace numeral::cuda {
namespace {

constexpr int kRows = 12, kWidth = 32, kLayers = 4;

// A step of dense layers without activations. The gradients of data take turns in two places, so
// that each overwrites what the gradient of a weight two layers behind it reads.
struct Step {
  std::shared_ptr<const Plan> plan;
  std::vector<TensorId> results;  // what a run leaves behind
  OpCase inputs;

  Step() {
    OneOpPlan tensors;
    std::vector<Op> ops;
    const TensorId step = tensors.AddStep(0);
    ops.push_back(AdvanceStep{step});
    const auto block = [&](const char* name) {
      return tensors.Add(name, int64_t{kLayers} * kWidth, Shape::Flat(kWidth));
    };
    const TensorId params = block("params"), grads = block("grads");
    std::vector<TensorId> values{tensors.Add("x", kRows, Shape::Flat(kWidth))}, weights;
    for (int i = 0; i < kLayers; ++i) {
      const std::string number = std::to_string(i);
      weights.push_back(tensors.AddRows("weight" + number, params, i * kWidth, kWidth));
      values.push_back(tensors.Add("y" + number, kRows, Shape::Flat(kWidth)));
      ops.push_back(DenseForward{kRows,
                                 kWidth,
                                 kWidth,
                                 values[static_cast<size_t>(i)],
                                 weights.back(),
                                 kNoTensor,
                                 values.back(),
                                 {}});
    }
    const TensorId turns[] = {tensors.Add("even", kRows, Shape::Flat(kWidth)),
                              tensors.Add("odd", kRows, Shape::Flat(kWidth))};
    TensorId grad = values.back();
    for (int i = kLayers; i-- > 0;) {
      const auto layer = static_cast<size_t>(i);
      const TensorId grad_weight =
          tensors.AddRows("grad" + std::to_string(i), grads, i * kWidth, kWidth);
      ops.push_back(DenseBackwardWeight{kRows, kWidth, kWidth, values[layer], grad, grad_weight,
                                        GradientMode::kOverwrite});
      ops.push_back(DenseBackwardData{kRows, kWidth, kWidth, grad, weights[layer], turns[i % 2]});
      grad = turns[i % 2];
    }
    AdamUpdate update{};
    update.spec.learning_rate = 1e-3;
    update.period = 1;
    update.total_updates = 100;
    update.step = step;
    update.params = params;
    update.grads = grads;
    update.first_moment = block("first_moment");
    update.second_moment = block("second_moment");
    tensors.SetUniform(params, -0.3, 0.3);
    tensors.SetUniform(values[0], -1, 1);
    tensors.SetUniform(update.first_moment, -1, 1);
    tensors.SetUniform(update.second_moment, 0.5, 1);
    ops.push_back(update);
    results = {params, grads, update.first_moment, turns[0], turns[1], values.back()};
    inputs = tensors.Finish("step", update, tolerance::kUpdate);
    auto changed = std::make_shared<Plan>(*inputs.plan);
    changed->phases[0].ops.clear();
    for (const Op& op : ops) changed->phases[0].ops.push_back({op, std::string(OpName(op))});
    plan = std::move(changed);
  }

  // The bits of all results after so many runs.
  std::vector<std::vector<int32_t>> After(int64_t runs, bool graphs) const {
    const auto executable = MakeCudaEngine({.graphs = graphs})->Compile(plan);
    WriteInputs(inputs, *executable);
    executable->Enqueue(0, runs);
    std::vector<std::vector<int32_t>> all;
    for (const TensorId id : results) {
      all.push_back(executable->ReadAll<int32_t>(id, plan->tensor(id).elems()));
    }
    return all;
  }
};

}  // namespace

TEST_CASE("Branches of a graph leave the bits of one op after the other", "[emulator][branches]") {
  const Step step;
  constexpr int64_t kRuns = 11;  // one op by op, eight in one graph, two in one each
  emulator::ResetCounters();
  const auto expected = step.After(kRuns, false);
  CHECK(emulator::Counts().early_launches == 0);
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    emulator::SetSeed(seed);
    CHECK(step.After(kRuns, true) == expected);
  }
  emulator::SetSeed(1);
}

TEST_CASE("Gradients of weights are off the longest path of a graph", "[emulator][branches]") {
  const Step step;
  const auto executable = MakeCudaEngine({})->Compile(step.plan);
  executable->Enqueue(0);
  const GraphSize size = executable->SizeOfGraph(0);
  CHECK(size.nodes == 1 + 3 * kLayers + 1);
  // The counter, forward, backward; the last gradient of a weight beside that of the data.
  CHECK(size.longest_path <= 1 + 2 * kLayers + 2);
}

TEST_CASE("The size of a graph counts its nodes, all and one after the other",
          "[emulator][branches]") {
  const Stream main = MakeStream(), side = MakeStream();
  const Event fork = MakeEvent(), join = MakeEvent();
  NUMERAL_CUDA(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeThreadLocal));
  const auto work = [](const Stream& stream) { emulator::Enqueue(stream.get(), "work", [] {}); };
  work(main);
  NUMERAL_CUDA(cudaEventRecord(fork.get(), main.get()));
  NUMERAL_CUDA(cudaStreamWaitEvent(side.get(), fork.get(), 0));
  work(main);
  for (int i = 0; i < 3; ++i) work(side);
  NUMERAL_CUDA(cudaEventRecord(join.get(), side.get()));
  NUMERAL_CUDA(cudaStreamWaitEvent(main.get(), join.get(), 0));
  work(main);
  cudaGraph_t handle = nullptr;
  NUMERAL_CUDA(cudaStreamEndCapture(main.get(), &handle));
  const Graph graph(handle);
  CHECK(SizeOf(graph.get()).nodes == 6);
  CHECK(SizeOf(graph.get()).longest_path == 5);
  NUMERAL_CUDA(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeThreadLocal));
  NUMERAL_CUDA(cudaStreamEndCapture(main.get(), &handle));
  const Graph empty(handle);
  CHECK(SizeOf(empty.get()).nodes == 0);
  CHECK(SizeOf(empty.get()).longest_path == 0);
}

}  // namespace numeral::cuda
