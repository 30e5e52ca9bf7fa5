// Files that appear whole or not at all, and files read whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace numeral {

// Writes to a temporary beside `path`, fsyncs, renames, fsyncs the folder. On any error the
// temporary is removed, an older file at `path` is untouched, and Error(kFailure) names path and
// reason.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes);

// Throws Error(kBadInput) with the system's reason when the file cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Creates the folder and its parents. Throws Error(kBadInput) naming the folder when it cannot.
void MakeFolder(const std::filesystem::path& path);

// Removes the "*.tmp" files that an interrupted WriteFileAtomically may have left in `folder`.
void RemoveStaleTemporaries(const std::filesystem::path& folder);

}  // namespace numeral
