#include "inference/weights_source.h"

#include <system_error>

#include "config/parse.h"
#include "util/error.h"

namespace numeral {

namespace fs = std::filesystem;

std::optional<NetworkDescription> NetworkOfConfig(const std::string& path,
                                                  const std::string& role) {
  if (path.empty()) return std::nullopt;
  const Config config = LoadConfig(path);
  const NetworkSpec& network = role == "classifier" ? config.classifier : config.generator;
  if (network.layers.empty()) BadInput("{}: /networks has no {}", path, role);
  return NetworkDescription{network, config.convention, config.data.pixel_range};
}

std::optional<fs::path> NewestGenerator(const fs::path& runs) {
  std::optional<fs::path> newest;
  fs::file_time_type newest_time;
  std::error_code error;
  for (const auto& run : fs::directory_iterator(runs, error)) {
    if (run.is_symlink(error)) continue;  // runs/latest is one of the others
    const fs::path generator = run.path() / "g.bin";
    const auto time = fs::last_write_time(generator, error);
    if (error || (newest && time <= newest_time)) continue;
    newest = generator;
    newest_time = time;
  }
  return newest;
}

}  // namespace numeral
