#include "report/config_differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "util/progress.h"

namespace numeral {
namespace {

constexpr int kMostPlaces = 8;  // of one network, before it counts as another one

using Values = std::vector<std::pair<std::string, std::string>>;  // place, value

bool IsPlain(const Json& json) {
  return !json.is_structured() ||
         (json.is_array() && std::none_of(json.begin(), json.end(),
                                          [](const Json& each) { return each.is_structured(); }));
}

void Collect(const Json& json, const std::string& place, Values& values) {
  if (IsPlain(json)) {
    values.emplace_back(place, json.is_string() ? json.get<std::string>() : json.dump());
    return;
  }
  size_t index = 0;
  for (const auto& [key, value] : json.items()) {
    Collect(value, place + "/" + (json.is_array() ? std::to_string(index) : key), values);
    ++index;
  }
}

// "/networks/generator" for all places within it; empty elsewhere.
std::string NetworkOf(const std::string& place) {
  constexpr std::string_view kNetworks = "/networks/";
  if (!place.starts_with(kNetworks)) return "";
  return place.substr(0, place.find('/', kNetworks.size()));
}

ConfigDifference BySize(const std::string& place, std::span<const RunRecord> runs) {
  ConfigDifference difference{place, {}};
  for (const RunRecord& run : runs) {
    const auto network =
        std::find_if(run.networks.begin(), run.networks.end(),
                     [&](const Graph& graph) { return place == "/networks/" + graph.name; });
    difference.values.push_back(
        network == run.networks.end()
            ? std::nullopt
            : std::optional(fmt::format("{} layers, {} parameters",
                                        network->nodes.size() - network->inputs.size(),
                                        FormatCount(network->TotalElems()))));
  }
  return difference;
}

// Every place that any run has, in the order of the first that has it.
std::vector<ConfigDifference> AllPlaces(std::span<const RunRecord> runs) {
  std::vector<ConfigDifference> all;
  std::map<std::string, size_t> known;
  for (size_t r = 0; r < runs.size(); ++r) {
    Values values;
    Json config = ToJson(runs[r].config);
    config.erase("description");
    Collect(config, "", values);
    for (auto& [place, value] : values) {
      const auto [entry, fresh] = known.try_emplace(place, all.size());
      if (fresh) all.push_back({place, std::vector<std::optional<std::string>>(runs.size())});
      all[entry->second].values[r] = std::move(value);
    }
  }
  return all;
}

}  // namespace

std::vector<ConfigDifference> DifferencesOf(std::span<const RunRecord> runs) {
  std::vector<ConfigDifference> places = AllPlaces(runs);
  std::erase_if(places, [](const ConfigDifference& place) {
    return std::all_of(place.values.begin(), place.values.end(),
                       [&](const auto& value) { return value == place.values.front(); });
  });
  std::map<std::string, int> within;  // places of each network
  for (const ConfigDifference& place : places) ++within[NetworkOf(place.place)];
  std::vector<ConfigDifference> differences;
  std::set<std::string> told;  // networks that were told by their size
  for (ConfigDifference& place : places) {
    const std::string network = NetworkOf(place.place);
    if (network.empty() || within[network] <= kMostPlaces) {
      differences.push_back(std::move(place));
    } else if (told.insert(network).second) {
      differences.push_back(BySize(network, runs));
    }
  }
  return differences;
}

}  // namespace numeral
