// Where the networks of a tool come from.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "checkpoint/weights.h"

namespace numeral {

// The network `role` ("generator", "classifier") of a run's config, for weights files that do not
// describe their own; nothing for an empty path. Throws Error(kBadInput) where the config has no
// such network.
std::optional<NetworkDescription> NetworkOfConfig(const std::string& path, const std::string& role);

// g.bin of the run below `runs` that wrote one last; nothing where there is none.
std::optional<std::filesystem::path> NewestGenerator(const std::filesystem::path& runs);

}  // namespace numeral
