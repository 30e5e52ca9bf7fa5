#include "report/run_record.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "config/json_text.h"
#include "report/metric_info.h"
#include "report/run_facts.h"
#include "util/error.h"
#include "util/files.h"
#include "util/shell.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

// In every line, and no measurement of the network.
bool IsPosition(const std::string& key) {
  return key == "epoch" || key == "step" || key == "seconds";
}

// Without a slash at its end, and in place of a link (runs/latest) what it points at today.
fs::path WithoutLink(const fs::path& dir) {
  const fs::path plain = (dir / "").parent_path();
  std::error_code error;
  const fs::path target = fs::read_symlink(plain, error);
  return error ? plain : plain.parent_path() / target;
}

Config ReadConfig(const fs::path& dir) {
  if (!fs::is_directory(dir)) BadInput("{} is not a folder of a run", dir.string());
  const fs::path path = dir / "config.json";
  if (!fs::exists(path)) {
    BadInput("{} is not the folder of a run: it has no config.json", dir.string());
  }
  return LoadConfig(path.string());
}

EpochRecord ReadEpoch(const std::string& line, const std::string& where) {
  EpochRecord epoch{.epoch = 0, .step = 0, .values = ParseJsonText(line, where)};
  const auto count = [&](const char* key) {
    const auto value = NumberAt(epoch.values, std::string("/") + key);
    if (!value || *value < 0 || *value > 1e15) {
      BadInput("{}: not the line of an epoch: no \"{}\"", where, key);
    }
    return static_cast<int64_t>(*value);
  };
  epoch.epoch = count("epoch");
  epoch.step = count("step");
  return epoch;
}

std::vector<EpochRecord> ReadEpochs(const fs::path& path) {
  std::vector<EpochRecord> epochs;
  if (!fs::exists(path)) return epochs;
  std::istringstream text(ReadFile(path));
  int64_t number = 0;
  for (std::string line; std::getline(text, line);) {
    epochs.push_back(ReadEpoch(line, fmt::format("{} line {}", path.string(), ++number)));
  }
  return epochs;
}

// epoch_0012.png, nothing else.
std::optional<int64_t> EpochOf(const std::string& file) {
  constexpr std::string_view kStart = "epoch_", kEnd = ".png";
  if (!file.starts_with(kStart) || !file.ends_with(kEnd)) return std::nullopt;
  int64_t epoch = 0;
  const char* end = file.data() + file.size() - kEnd.size();
  const auto [rest, error] = std::from_chars(file.data() + kStart.size(), end, epoch);
  if (error != std::errc() || rest != end || epoch < 0) return std::nullopt;
  return epoch;
}

std::vector<SamplePicture> FindSamples(const fs::path& folder) {
  std::vector<SamplePicture> samples;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const auto epoch = EpochOf(it->path().filename().string());
    if (epoch && it->is_regular_file(error)) samples.push_back({*epoch, it->path()});
  }
  std::sort(samples.begin(), samples.end(),
            [](const SamplePicture& a, const SamplePicture& b) { return a.epoch < b.epoch; });
  return samples;
}

Json ReadObject(const fs::path& path) {
  if (!fs::exists(path)) return {};
  Json json = ParseJsonText(ReadFile(path), path.string());
  if (!json.is_object()) BadInput("{}: not a JSON object", path.string());
  return json;
}

std::vector<Graph> ReadNetworks(const Config& config, const std::string& source) {
  std::vector<Graph> networks;
  const Json json = ToJson(config);
  for (const auto& [name, network] : json.at("networks").items()) {
    const std::string where = fmt::format("{}: /networks/{}", source, name);
    networks.push_back(BuildGraph(ParseNetwork(network, name, config.convention, where),
                                  config.convention, where));
  }
  return networks;
}

}  // namespace

std::optional<double> NumberAt(const Json& json, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  if (!json.is_structured() || !json.contains(place) || !json.at(place).is_number()) {
    return std::nullopt;
  }
  return json.at(place).get<double>();
}

std::string TextAt(const Json& json, const std::string& pointer) {
  const Json::json_pointer place(pointer);
  if (!json.is_structured() || !json.contains(place) || !json.at(place).is_string()) return "";
  return json.at(place).get<std::string>();
}

std::optional<double> EpochRecord::Value(const std::string& key) const {
  const auto found = values.find(key);
  if (found == values.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::vector<std::string> RunRecord::MeasuredKeys() const {
  std::vector<std::string> found, keys;
  for (const EpochRecord& epoch : epochs) {
    for (const auto& [key, value] : epoch.values.items()) {
      const bool known = std::find(found.begin(), found.end(), key) != found.end();
      if (value.is_number() && !known && !IsPosition(key)) found.push_back(key);
    }
  }
  for (const MetricInfo& info : KnownMetrics()) {
    if (std::erase(found, info.key) > 0) keys.push_back(info.key);
  }
  keys.insert(keys.end(), found.begin(), found.end());
  return keys;
}

std::optional<double> RunRecord::Last(const std::string& key) const {
  for (auto epoch = epochs.rbegin(); epoch != epochs.rend(); ++epoch) {
    if (const auto value = epoch->Value(key)) return value;
  }
  return std::nullopt;
}

bool RunRecord::Finished() const {
  if (epochs.empty()) return false;
  const auto steps = NumberAt(facts, "/steps_per_epoch");
  if (!steps) return epochs.back().epoch >= config.training.epochs;
  return static_cast<double>(epochs.back().step) >= *steps * config.training.epochs;
}

std::string RunRecord::RepeatCommand() const {
  const fs::path again = dir / ".." / (label + "_again");
  std::string command = fmt::format("trainer {} --run-dir {}",
                                    ShellQuoted((dir / "config.json").lexically_normal().string()),
                                    ShellQuoted(again.lexically_normal().string()));
  const std::string data_dir = TextAt(facts, "/data_dir"), device = TextAt(facts, "/device");
  if (!data_dir.empty()) command += " --data-dir " + ShellQuoted(data_dir);
  if (!device.empty() && device != "auto") command += " --device " + ShellQuoted(device);
  if (const auto threads = NumberAt(facts, "/threads")) {
    command += fmt::format(" --threads {:.0f}", *threads);
  }
  if (!Finished() && !epochs.empty()) command += fmt::format(" --max-steps {}", epochs.back().step);
  return command;
}

RunRecord ReadRun(const fs::path& dir) {
  RunRecord run;
  run.config = ReadConfig(dir);
  run.dir = WithoutLink(dir);
  run.label = fs::canonical(dir).filename().string();
  run.networks = ReadNetworks(run.config, (dir / "config.json").string());
  run.epochs = ReadEpochs(dir / "metrics.jsonl");
  run.samples = FindSamples(dir / "samples");
  run.evaluation = ReadObject(run.evaluation_dir() / "evaluation.json");
  run.facts = ReadObject(dir / "run.json");
  return run;
}

std::vector<SamplePicture> Spread(const std::vector<SamplePicture>& samples, size_t most) {
  NUMERAL_CHECK(most >= 2);
  if (samples.size() <= most) return samples;
  // Every N-th counted from the last one, so that the distances are equal.
  const size_t every = (samples.size() - 2) / (most - 1) + 1;
  std::vector<SamplePicture> chosen;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (i == 0 || (samples.size() - 1 - i) % every == 0) chosen.push_back(samples[i]);
  }
  return chosen;
}

}  // namespace numeral
