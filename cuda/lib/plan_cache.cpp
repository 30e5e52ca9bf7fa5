#include "cuda/lib/plan_cache.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "util/error.h"
#include "util/files.h"

namespace numeral::cuda {

using Json = nlohmann::json;

namespace {

constexpr const char* kFormat = "numeral convolution plans 1";

Json ToJson(const EngineChoice& choice) {
  return {{"engine", choice.engine}, {"knobs", choice.knobs}};
}

EngineChoice ChoiceFrom(const Json& json) {
  return {json.at("engine").get<int64_t>(),
          json.at("knobs").get<std::vector<std::pair<int64_t, int64_t>>>()};
}

}  // namespace

std::filesystem::path CacheFolder() {
  const auto value = [](const char* variable) -> std::string {
    const char* text = std::getenv(variable);
    return text == nullptr ? "" : text;
  };
  if (const std::filesystem::path own = value("NUMERAL_CACHE"); !own.empty()) return own;
  if (const std::filesystem::path shared = value("XDG_CACHE_HOME"); !shared.empty()) {
    return shared / "numeral";
  }
  if (const std::filesystem::path home = value("HOME"); !home.empty()) {
    return home / ".cache" / "numeral";
  }
  return {};
}

PlanCache::PlanCache(std::filesystem::path file, std::string machine)
    : file_(std::move(file)), machine_(std::move(machine)), choices_(Read(file_)[machine_]) {}

std::optional<EngineChoice> PlanCache::Find(const std::string& problem) const {
  const auto found = choices_.find(problem);
  if (found == choices_.end()) return std::nullopt;
  return found->second;
}

void PlanCache::Add(const std::string& problem, const EngineChoice& choice) {
  choices_[problem] = choice;
  if (file_.empty() || warned_) return;
  try {
    Write();
  } catch (const Error& error) {
    warned_ = true;
    fmt::print(stderr, "warning: the choice of convolution plans is not remembered: {}\n",
               error.what());
  }
}

std::map<std::string, PlanCache::Choices> PlanCache::Read(const std::filesystem::path& file) {
  if (file.empty() || !std::filesystem::exists(file)) return {};
  try {
    const Json json = Json::parse(ReadFile(file));
    if (json.at("format") != kFormat) return {};
    std::map<std::string, Choices> machines;
    for (const auto& [machine, problems] : json.at("machines").items()) {
      for (const auto& [problem, choice] : problems.items()) {
        machines[machine][problem] = ChoiceFrom(choice);
      }
    }
    return machines;
  } catch (const Json::exception&) {
    return {};
  } catch (const Error&) {
    return {};
  }
}

// Beside what other processes have added since.
void PlanCache::Write() const {
  std::map<std::string, Choices> machines = Read(file_);
  for (const auto& [problem, choice] : choices_) machines[machine_][problem] = choice;
  Json json = {{"format", kFormat}, {"machines", Json::object()}};
  for (const auto& [machine, problems] : machines) {
    for (const auto& [problem, choice] : problems) {
      json["machines"][machine][problem] = ToJson(choice);
    }
  }
  MakeFolder(file_.parent_path());
  WriteFileAtomically(file_, json.dump(1) + "\n", Durability::kInCache);
}

}  // namespace numeral::cuda
