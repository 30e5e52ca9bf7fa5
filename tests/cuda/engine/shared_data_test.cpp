// Two runs on one data set of the device, each on an engine and a stream of its own.
#include "config/parse.h"
#include "tests/catch.h"
#include "tests/cuda/engine/tested_engine.h"
#include "tests/train/compare_runs.h"
#include "tests/train/synthetic_data.h"

namespace numeral {
namespace {

Config ConfigOf(uint64_t seed) {
  const Json json = Json::parse(R"({
    "name": "small",
    "networks": {
      "generator": {
        "inputs": {"z": {"kind": "latent", "size": 4}},
        "layers": [{"type": "dense", "units": 784}, {"type": "tanh"},
                   {"type": "reshape", "shape": [28, 28, 1]}]},
      "discriminator": {
        "inputs": {"image": {"kind": "image"}},
        "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]}},
    "training": {"epochs": 9, "batch_size": 8},
    "output": {"grid": [2, 2]}})");
  Config config = ParseConfig(json, "small", "small");
  config.seed = seed;
  return config;
}

}  // namespace

TEST_CASE("cuda: runs on shared data have the bits of runs on their own", "[gpu][runs]") {
  const Dataset data = SyntheticData(40, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto engine = MakeTestedEngine(), first_engine = MakeTestedEngine(),
             second_engine = MakeTestedEngine();
  Session alone_1(ConfigOf(1), data, *engine), alone_2(ConfigOf(2), data, *engine);
  auto first = std::make_unique<Session>(ConfigOf(1), data, *first_engine);
  Session second(ConfigOf(2), data, *second_engine, true, first->executable().Data());
  CHECK(second.executable().Data() == first->executable().Data());
  CHECK(second.executable().Counters().allocations + 1 ==
        alone_2.executable().Counters().allocations);
  for (Session* session : {&alone_1, &alone_2, first.get(), &second}) session->Initialise();
  // Both are under way at once, by single steps and by several.
  for (const auto& [begin, count] : {std::pair{0, 1}, {1, 1}, {2, 9}}) {
    for (Session* session : {first.get(), &second, &alone_1, &alone_2}) session->Run(begin, count);
  }
  CheckSameState(alone_1, *first);
  first.reset();
  for (Session* session : {&alone_2, &second}) session->Run(11, 4);
  CheckSameState(alone_2, second);
  CHECK_THROWS_AS(
      second.executable().WriteAll(second.plan().FindTensor("data/images"), data.pixels), Error);
}

}  // namespace numeral
