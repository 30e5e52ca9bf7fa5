// Files that appear whole or not at all, and files read whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace numeral {

// A file that is written piece by piece, for what does not fit into memory, and that appears when
// it is complete: until Commit() it is a temporary beside `path`, which goes with the object. Every
// error is an Error(kFailure) that names path and reason; an older file at `path` is untouched.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;

  void Write(std::string_view bytes);
  // fsyncs, renames, fsyncs the folder.
  void Commit();

 private:
  [[noreturn]] void FailWith(int error) const;

  std::filesystem::path path_, temporary_;
  int fd_;
};

// The same in one go.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes);

// Throws Error(kBadInput) with the system's reason when the file cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Creates the folder and its parents. Throws Error(kBadInput) naming the folder when it cannot.
void MakeFolder(const std::filesystem::path& path);

// Removes the "*.tmp" files that an interrupted WriteFileAtomically may have left in `folder`.
void RemoveStaleTemporaries(const std::filesystem::path& folder);

}  // namespace numeral
