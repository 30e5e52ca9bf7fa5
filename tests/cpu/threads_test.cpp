// How many threads a plan is given, and that it keeps to them.
#include "cpu/threads.h"

#include <omp.h>

#include "config/parse.h"
#include "tests/catch.h"
#include "tests/train/small_runs.h"
#include "tests/train/synthetic_data.h"
#include "train/session.h"
#include "util/threads.h"

namespace numeral {
namespace {

Plan PlanOf(const std::string& name, int batch_size) {
  const Config config = LoadConfig(std::string(NUMERAL_SOURCE_DIR "/configs/") + name + ".json",
                                   {{"/training/batch_size", std::to_string(batch_size)}});
  return CompileRun(config, BuildNetworks(config), {.data_count = 1000});
}

}  // namespace

TEST_CASE("cpu: heavier plans get more threads, up to what there is") {
  const Plan light = PlanOf("classifier_mlp", 4), middle = PlanOf("classifier_mlp", 128),
             heavy = PlanOf("dcgan", 256);
  for (const int most : {1, 2, 3, 64, 1000}) {
    INFO(most);
    CHECK(cpu::ChooseThreads(light, most) == 1);
    CHECK(cpu::ChooseThreads(middle, most) <= most);
    CHECK(cpu::ChooseThreads(middle, most) >= std::min(most, 2));
    CHECK(cpu::ChooseThreads(heavy, most) == std::min(most, cpu::ChooseThreads(heavy, 100000)));
  }
  CHECK(cpu::ChooseThreads(heavy, 64) == 64);
  CHECK(cpu::ChooseThreads(middle, 1000) < 64);
  CHECK(cpu::ChooseThreads(Plan(), 4) == 1);
}

TEST_CASE("cpu: every config of the project has work for two threads but the smallest") {
  for (const char* name :
       {"gan_mlp", "classifier_mlp", "cgan_filterselect", "quickstart", "dcgan"}) {
    INFO(name);
    const Config config = LoadConfig(std::string(NUMERAL_SOURCE_DIR "/configs/") + name + ".json");
    const Plan plan = CompileRun(config, BuildNetworks(config), {.data_count = 1000});
    CHECK(cpu::ChooseThreads(plan, 2) == 2);
  }
}

TEST_CASE("cpu: an engine keeps to its threads and leaves the caller's alone") {
  const int before = omp_get_max_threads();
  const Config config = ParseConfig(GanJson(false), "gan", "gan");
  const Dataset data = SyntheticData(44, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  for (const int threads : {1, 3, 0}) {
    INFO(threads);
    const auto engine = MakeCpuEngine({.threads = threads});
    Session session(config, data, *engine);
    session.Initialise();
    session.Step(0);
    CHECK(session.threads() ==
          (threads == 0 ? cpu::ChooseThreads(session.plan(), before) : threads));
    CHECK(omp_get_max_threads() == before);
  }
  {
    const ThreadLimit limit(before + 1);
    CHECK(OfferedThreads() == before + 1);
  }
  CHECK(OfferedThreads() == before);
}

}  // namespace numeral
