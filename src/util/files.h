// Files that appear whole or not at all, and files read whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace numeral {

// Whether a file must be on the disk when it has its name. Without, a power cut may lose it: right
// for many small files that can be made again, since waiting for the disk takes milliseconds each.
enum class Durability { kOnDisk, kInCache };

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
  // Gives it its name; fsyncs the file before and the folder after.
  void Commit(Durability durability = Durability::kOnDisk);

 private:
  [[noreturn]] void FailWith(int error) const;

  std::filesystem::path path_, temporary_;
  int fd_;
};

// The same in one go.
void WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes,
                         Durability durability = Durability::kOnDisk);

// Throws Error(kBadInput) with the system's reason when the file cannot be read.
std::string ReadFile(const std::filesystem::path& path);

// Creates the folder and its parents. Throws Error(kBadInput) naming the folder when it cannot.
void MakeFolder(const std::filesystem::path& path);

// Removes the "*.tmp" files that an interrupted WriteFileAtomically may have left in `folder`.
void RemoveStaleTemporaries(const std::filesystem::path& folder);

}  // namespace numeral
