// Where the cache of plans is, and what of it survives.
#include "cuda/lib/plan_cache.h"

#include <stdlib.h>

#include "tests/catch.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral::cuda {
namespace {

// Sets an environment variable for one test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* text = ::getenv(name)) before_ = text;
    ::setenv(name, value, 1);
  }
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("The cache's folder follows the environment", "[plan_cache]") {
  const Variable home("HOME", "/home/ada");
  const Variable shared("XDG_CACHE_HOME", "");
  const Variable own("NUMERAL_CACHE", "");
  CHECK(CacheFolder() == "/home/ada/.cache/numeral");
  const Variable set_shared("XDG_CACHE_HOME", "/var/cache");
  CHECK(CacheFolder() == "/var/cache/numeral");
  const Variable set_own("NUMERAL_CACHE", "/scratch/plans");
  CHECK(CacheFolder() == "/scratch/plans");
}

TEST_CASE("Without any folder nothing is remembered", "[plan_cache]") {
  const Variable home("HOME", ""), shared("XDG_CACHE_HOME", ""), own("NUMERAL_CACHE", "");
  CHECK(CacheFolder().empty());
  PlanCache cache("", "machine");
  cache.Add("problem", {1, {}});
  CHECK(cache.Find("problem") == EngineChoice{1, {}});
}

TEST_CASE("Caches of several processes and machines share a file", "[plan_cache]") {
  const TempFolder folder;
  const auto file = folder.path() / "new" / "plans.json";
  PlanCache first(file, "one GPU"), second(file, "one GPU"), other(file, "another GPU");
  first.Add("a", {67, {{2, 5}, {18, 0}}});
  second.Add("b", {62, {}});
  other.Add("a", {9, {}});

  const PlanCache later(file, "one GPU");
  CHECK(later.Find("a") == EngineChoice{67, {{2, 5}, {18, 0}}});
  CHECK(later.Find("b") == EngineChoice{62, {}});
  CHECK(!later.Find("c"));
  CHECK(PlanCache(file, "another GPU").Find("a") == EngineChoice{9, {}});
  CHECK(!PlanCache(file, "a third GPU").Find("a"));
}

}  // namespace numeral::cuda
