// Convolutions through the fake cuDNN: their results, which plan is chosen, what is remembered.
#include "cuda/lib/convolution.h"

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cuda/support/check.h"
#include "cuda/support/runtime.h"
#include "tests/emulator/fake_cudnn.h"
#include "tests/support/check_values.h"
#include "tests/support/op_cases.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/bf16.h"
#include "util/files.h"

namespace numeral::cuda {
namespace {

using Json = nlohmann::json;

// A convolution of the op cases with its tensors.
struct ConvCase {
  ConvPass pass;
  ConvGeometry geometry;
  TensorId image, weight, features;
  TensorId output;
};

// Those without what other kernels add.
std::optional<ConvCase> ConvCaseOf(const Op& op) {
  if (const auto* conv = std::get_if<ConvForward>(&op)) {
    if (conv->bias != kNoTensor || conv->activation != Activation{}) return std::nullopt;
    return ConvCase{ConvPass::kForward, conv->geometry, conv->image,
                    conv->weight,       conv->features, conv->features};
  }
  if (const auto* conv = std::get_if<ConvBackwardData>(&op)) {
    return ConvCase{ConvPass::kBackwardData, conv->geometry, conv->image, conv->weight,
                    conv->features,          conv->image};
  }
  if (const auto* conv = std::get_if<ConvBackwardWeight>(&op)) {
    if (conv->mode != GradientMode::kOverwrite) return std::nullopt;
    return ConvCase{ConvPass::kBackwardWeight, conv->geometry, conv->image,
                    conv->grad_weight,         conv->features, conv->grad_weight};
  }
  return std::nullopt;
}

std::vector<float> FloatsOf(const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// A tensor on the device, fp32 or bf16.
class DeviceTensor {
 public:
  DeviceTensor(const std::vector<float>& values, bool bf16)
      : bf16_(bf16), elems_(values.size()), memory_(values.size() * element_bytes()) {
    std::vector<uint16_t> rounded;
    for (const float value : values) rounded.push_back(Bf16FromFloat(value));
    const void* source = bf16 ? static_cast<const void*>(rounded.data()) : values.data();
    NUMERAL_CUDA(cudaMemcpy(data(), source, elems_ * element_bytes(), cudaMemcpyHostToDevice));
  }
  void* data() const { return memory_.data(); }

  std::vector<double> Values() const {
    std::vector<double> values;
    if (bf16_) {
      for (const uint16_t bits : Download<uint16_t>()) values.push_back(FloatFromBf16(bits));
    } else {
      for (const float value : Download<float>()) values.push_back(value);
    }
    return values;
  }

 private:
  size_t element_bytes() const { return bf16_ ? 2 : 4; }
  template <typename T>
  std::vector<T> Download() const {
    std::vector<T> values(elems_);
    NUMERAL_CUDA(cudaMemcpy(values.data(), data(), elems_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

  bool bf16_;
  size_t elems_;
  DeviceMemory memory_;
};

// Runs a case's convolution on the device and compares with the reference, whose inputs are
// rounded to what the device gets.
void CheckCase(ConvolutionLibrary& library, OpCase op_case, const ConvCase& conv, MatrixMode mode,
               const Tolerance& tolerance) {
  const bool bf16 = mode == MatrixMode::kBf16;
  std::map<TensorId, DeviceTensor> tensors;
  for (auto& [id, bytes] : op_case.writes) {
    std::vector<float> values = FloatsOf(bytes);
    if (bf16) {
      for (float& value : values) value = FloatFromBf16(Bf16FromFloat(value));
      std::memcpy(bytes.data(), values.data(), bytes.size());
    }
    values.resize(static_cast<size_t>(op_case.plan->tensor(id).elems()));
    tensors.emplace(id, DeviceTensor(values, bf16));
  }
  const Stream stream = MakeStream();
  const ConvPointers pointers{tensors.at(conv.image).data(), tensors.at(conv.weight).data(),
                              tensors.at(conv.features).data()};
  const auto convolution = library.Plan({conv.pass, conv.geometry, mode}, pointers, stream.get());
  const DeviceMemory workspace(convolution->workspace_bytes());
  convolution->Run(pointers, workspace.data(), stream.get());
  NUMERAL_CUDA(cudaStreamSynchronize(stream.get()));
  INFO(convolution->description());
  CheckValues(tensors.at(conv.output).Values(),
              ReferenceResult(op_case).Doubles(op_case.plan->tensor(conv.output).name), tolerance);
}

void CheckAllCases(MatrixMode mode, const Tolerance& tolerance) {
  ConvolutionLibrary library("");
  int run = 0;
  for (const OpCase& op_case : ConvCases()) {
    const std::optional<ConvCase> conv = ConvCaseOf(op_case.op());
    if (!conv) continue;
    INFO(op_case.name);
    CheckCase(library, op_case, *conv, mode, tolerance);
    ++run;
  }
  CHECK(run >= 36);  // three passes of twelve geometries
}

// "same" padding of TensorFlow: one more at the end.
constexpr ConvGeometry kGeometry{2, 14, 14, 3, 5, 7, 7, 5, 5, 2, 2, 1, 1, 2, 2};
constexpr ConvProblem kForwardTf32{ConvPass::kForward, kGeometry, MatrixMode::kTf32};

int ExecutionsOf(int64_t engine) {
  const auto found = emulator::CudnnExecutions().find(engine);
  return found == emulator::CudnnExecutions().end() ? 0 : found->second;
}
int AllExecutions() {
  int sum = 0;
  for (const auto& [engine, count] : emulator::CudnnExecutions()) sum += count;
  return sum;
}

// Pointers that are good for planning, which looks at their alignment alone.
ConvPointers AlignedTo(uintptr_t bytes) {
  return {nullptr, nullptr, reinterpret_cast<void*>(bytes)};
}

// The description of the plan that a library chooses or remembers.
std::string Plan(ConvolutionLibrary& library, const ConvProblem& problem) {
  const Stream stream = MakeStream();
  return library.Plan(problem, AlignedTo(16), stream.get())->description();
}

}  // namespace

TEST_CASE("Convolutions in fp32 equal the reference", "[convolution]") {
  const int before = ExecutionsOf(1) + ExecutionsOf(2) + ExecutionsOf(3);
  CheckAllCases(MatrixMode::kFp32, tolerance::kProduct);
  CHECK(ExecutionsOf(1) + ExecutionsOf(2) + ExecutionsOf(3) == before);
}

TEST_CASE("Convolutions in bf16 equal the reference but for one rounding", "[convolution]") {
  const int before = ExecutionsOf(2) + ExecutionsOf(3);
  CheckAllCases(MatrixMode::kBf16, {tolerance::kProduct.atol, tolerance::kBf16Rounding});
  CHECK(ExecutionsOf(2) + ExecutionsOf(3) == before);
}

TEST_CASE("Convolutions in TF32 may round their inputs", "[convolution]") {
  const int before = ExecutionsOf(2) + ExecutionsOf(3);
  // A rounding of 2^-11 of each of a few hundred factors of size 1.
  CheckAllCases(MatrixMode::kTf32, {2e-2, 1e-3});
  CHECK(ExecutionsOf(2) + ExecutionsOf(3) == before);
  CHECK(ExecutionsOf(1) > 0);
}

TEST_CASE("The choice of a plan is remembered", "[convolution]") {
  const TempFolder folder;
  const auto file = folder.path() / "cache" / "convolutions.json";
  ConvolutionLibrary first(file);
  const std::string choice = Plan(first, kForwardTf32);
  CHECK(first.chosen_plans() == 1);
  CHECK(Plan(first, kForwardTf32) == choice);
  CHECK(first.chosen_plans() == 1);

  const int before = AllExecutions();
  ConvolutionLibrary second(file);
  CHECK(Plan(second, kForwardTf32) == choice);
  CHECK(second.chosen_plans() == 0);
  CHECK(AllExecutions() == before + 1);  // loads the kernels

  const Stream stream = MakeStream();
  second.Plan(kForwardTf32, AlignedTo(4), stream.get());
  CHECK(second.chosen_plans() == 1);  // another alignment, another problem
}

TEST_CASE("What is no cache of plans is replaced", "[convolution]") {
  const TempFolder folder;
  const auto file = folder.path() / "convolutions.json";
  const std::string contents =
      GENERATE("", "{", "[]", R"({"format": "another", "machines": {}})",
               R"({"format": "numeral convolution plans 1"})",
               R"({"format": "numeral convolution plans 1", "machines": {"m": {"p": 7}}})");
  WriteFileAtomically(file, contents);
  ConvolutionLibrary first(file);
  Plan(first, kForwardTf32);
  CHECK(first.chosen_plans() == 1);
  ConvolutionLibrary second(file);
  Plan(second, kForwardTf32);
  CHECK(second.chosen_plans() == 0);
}

TEST_CASE("A remembered plan that is not admissible is chosen anew", "[convolution]") {
  const TempFolder folder;
  const auto file = folder.path() / "convolutions.json";
  const ConvProblem problem{ConvPass::kForward, kGeometry, MatrixMode::kFp32};
  ConvolutionLibrary first(file);
  const std::string choice = Plan(first, problem);
  CheckMentions(choice, {"forward fp32", "engine 0", "knob 2 2"});

  const Json changed = GENERATE(Json{{"engine", 1}, {"knobs", {{2, 5}}}},    // tensor cores
                                Json{{"engine", 99}, {"knobs", {{2, 5}}}},   // there is none
                                Json{{"engine", 0}, {"knobs", {{2, 99}}}},   // no such tile
                                Json{{"engine", 0}, {"knobs", {{77, 1}}}});  // no such knob
  Json json = Json::parse(ReadFile(file));
  for (auto& problems : json["machines"]) {
    for (auto& plan : problems) plan = changed;
  }
  json["machines"]["another GPU"]["a problem"] = {{"engine", 1}, {"knobs", Json::array()}};
  WriteFileAtomically(file, json.dump());
  ConvolutionLibrary second(file);
  CHECK(Plan(second, problem) == choice);
  CHECK(second.chosen_plans() == 1);
  CHECK(Json::parse(ReadFile(file))["machines"].contains("another GPU"));
}

TEST_CASE("Plans are made where nothing can be remembered", "[convolution]") {
  const TempFolder folder;
  WriteFileAtomically(folder.path() / "file", "");
  ConvolutionLibrary library(folder.path() / "file" / "convolutions.json");
  Plan(library, kForwardTf32);
  Plan(library, kForwardTf32);
  CHECK(library.chosen_plans() == 1);
}

TEST_CASE("A convolution can be captured", "[convolution]") {
  ConvolutionLibrary library("");
  const Stream stream = MakeStream();
  const auto convolution = library.Plan(
      {ConvPass::kForward, {1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0}, MatrixMode::kBf16},
      AlignedTo(16), stream.get());
  const DeviceTensor image({1, 2}, true), weight({1, 10, 100, 1000}, true), features({0, 0}, true);
  const DeviceMemory workspace(convolution->workspace_bytes());
  NUMERAL_CUDA(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal));
  convolution->Run({image.data(), weight.data(), features.data()}, workspace.data(), stream.get());
  cudaGraph_t graph = nullptr;
  NUMERAL_CUDA(cudaStreamEndCapture(stream.get(), &graph));
  const Graph owned(graph);
  cudaGraphExec_t exec = nullptr;
  NUMERAL_CUDA(cudaGraphInstantiate(&exec, graph, 0));
  const GraphExec owned_exec(exec);
  CHECK(features.Values() == std::vector<double>{0, 0});
  NUMERAL_CUDA(cudaGraphLaunch(exec, stream.get()));
  NUMERAL_CUDA(cudaStreamSynchronize(stream.get()));
  CHECK(features.Values() == std::vector<double>{21, 2096});  // 2100 as bf16
}

TEST_CASE("Errors of convolutions name the problem", "[convolution]") {
  ConvolutionLibrary library("");
  const Stream stream = MakeStream();
  ConvGeometry wrong = kGeometry;
  wrong.p = 3;  // rows that windows reach are left out
  CheckMentions(MessageOf(ErrorKind::kFailure,
                          [&] {
                            library.Plan({ConvPass::kBackwardWeight, wrong, MatrixMode::kTf32},
                                         AlignedTo(16), stream.get());
                          }),
                {"backward weight tf32, image 2x14x14x3, features 3x7x5, kernel 5x5, stride 2,2",
                 "pads 1,1,2,2", "cudnnBackendFinalize", "CUDNN_STATUS_BAD_PARAM", "size"});

  const auto convolution = library.Plan(kForwardTf32, AlignedTo(16), stream.get());
  std::byte* const nowhere = nullptr;
  CheckMentions(
      MessageOf(
          ErrorKind::kFailure,
          [&] {
            convolution->Run({nowhere + 16, nowhere + 32, nowhere + 40}, nowhere, stream.get());
          }),
      {"forward tf32", "aligned to 16"});
  CheckMentions(MessageOf(ErrorKind::kFailure,
                          [&] {
                            convolution->Run({nowhere, nowhere, nowhere}, nowhere, stream.get());
                          }),
                {"cudnnBackendExecute", "forward tf32", "null"});
}

TEST_CASE("Convolutions leave no descriptors behind", "[convolution]") {
  {
    ConvolutionLibrary library("");
    Plan(library, kForwardTf32);
  }
  CHECK(emulator::LiveCudnnDescriptors() == 0);
}

}  // namespace numeral::cuda
