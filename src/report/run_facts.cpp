#include "report/run_facts.h"

#include <fmt/chrono.h>

#include <ctime>
#include <fstream>
#include <thread>

#include "config/json_text.h"
#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

std::string Now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

std::string Processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t value = line.find(": ");
    if (value != std::string::npos) return line.substr(value + 2);
  }
  return "unknown";
}

std::string Compiler() {
#ifdef __clang__
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

Json MachineJson() {
  return {{"processor", Processor()}, {"cores", std::thread::hardware_concurrency()}};
}

void PutThreads(const RunFacts& facts, Json& json) {
  if (facts.threads > 0) json["threads"] = facts.threads;
}

Json ToJson(const RunFacts& facts) {
  Json json{{"numeral", NUMERAL_VERSION}, {"compiler", Compiler()},
            {"engine", facts.engine},     {"machine", MachineJson()},
            {"command", facts.command},   {"device", facts.device},
            {"data_dir", facts.data_dir}, {"steps_per_epoch", facts.steps_per_epoch}};
  PutThreads(facts, json);
  return json;
}

// Bytes of a command line or a path need not be UTF-8; those that are not become U+FFFD.
void Write(const std::filesystem::path& dir, const Json& json) {
  WriteFileAtomically(dir / "run.json",
                      json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

// Nothing where there is no run.json that can be read: it takes no part in training.
Json Existing(const std::filesystem::path& path) {
  try {
    const Json json = ParseJsonText(ReadFile(path), path.string());
    return json.is_object() ? json : Json();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

void RecordStart(const std::filesystem::path& dir, const RunFacts& facts) {
  Json json = ToJson(facts);
  json["started"] = Now();
  Write(dir, json);
}

void RecordResume(const std::filesystem::path& dir, const RunFacts& facts, int64_t step) {
  Json json = Existing(dir / "run.json");
  if (json.is_null()) json = ToJson(facts);
  if (!json["resumed"].is_array()) json["resumed"] = Json::array();
  Json entry{{"step", step},
             {"at", Now()},
             {"command", facts.command},
             {"engine", facts.engine},
             {"machine", MachineJson()}};
  PutThreads(facts, entry);
  json["resumed"].push_back(std::move(entry));
  Write(dir, json);
}

int RecordedThreads(const std::filesystem::path& dir) {
  const Json json = Existing(dir / "run.json");
  int threads = 0;
  const auto take = [&](const Json& entry) {
    const auto found = entry.is_object() ? entry.find("threads") : entry.end();
    if (found == entry.end() || !found->is_number_integer()) return;
    const auto value = found->get<int64_t>();
    if (value >= 1 && value <= kMostThreads) threads = static_cast<int>(value);
  };
  take(json);
  if (json.is_object() && json.contains("resumed") && json["resumed"].is_array()) {
    for (const Json& entry : json["resumed"]) take(entry);
  }
  return threads;
}

}  // namespace numeral
