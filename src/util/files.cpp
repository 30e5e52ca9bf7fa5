#include "util/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "util/error.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::string Reason(int error) { return std::generic_category().message(error); }

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }

  // Some filesystems (NFS, quotas) report a failed write only here, so a writer must ask.
  bool Close() {
    int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Unique among the writers of this machine, so that two of them never share a temporary.
fs::path TemporaryFor(const fs::path& path) {
  static std::atomic<int> counter{0};
  return fs::path(fmt::format("{}.{}-{}.tmp", path.string(), ::getpid(), counter++));
}

// Returns 0, or the errno of the step that failed.
int WriteAndRename(const fs::path& temporary, const fs::path& path, std::string_view bytes) {
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file.ok()) return errno;
  if (!WriteAll(file.get(), bytes)) return errno;
  if (::fsync(file.get()) != 0) return errno;
  if (!file.Close()) return errno;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno;
  return 0;
}

// Makes the rename itself survive a power cut. A few filesystems cannot sync a folder and say
// EINVAL; there is nothing better to do on those.
void SyncFolder(const fs::path& folder) {
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || (::fsync(fd.get()) != 0 && errno != EINVAL)) {
    Fail("cannot sync folder {}: {}", folder.string(), Reason(errno));
  }
}

}  // namespace

void WriteFileAtomically(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = TemporaryFor(path);
  if (const int error = WriteAndRename(temporary, path, bytes); error != 0) {
    ::unlink(temporary.c_str());
    Fail("cannot write {}: {}", path.string(), Reason(error));
  }
  SyncFolder(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

std::string ReadFile(const fs::path& path) {
  const auto refuse = [&](const std::string& reason) {
    BadInput("cannot read {}: {}", path.string(), reason);
  };
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) refuse(Reason(errno));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) refuse(Reason(errno));
  // Pipes are fine (`trainer <(jq ...)`); a device such as /dev/zero would never end.
  if (S_ISDIR(info.st_mode)) refuse("it is a folder");
  if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) refuse("it is not a regular file");

  std::string bytes;
  size_t used = 0;
  while (true) {
    // One byte more than the size, so that a regular file meets its end without growing again.
    if (used == bytes.size()) {
      bytes.resize(used == 0 ? static_cast<size_t>(info.st_size) + 1 : 2 * used);
    }
    const ssize_t got = ::read(file.get(), bytes.data() + used, bytes.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(Reason(errno));
    if (got == 0) break;
    used += static_cast<size_t>(got);
  }
  bytes.resize(used);
  return bytes;
}

void MakeFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) BadInput("cannot create folder {}: {}", path.string(), error.message());
  // create_directories is silent about a file of that name.
  if (!fs::is_directory(path)) {
    BadInput("cannot create folder {}: a file of that name exists", path.string());
  }
}

void RemoveStaleTemporaries(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".tmp" || !it->is_regular_file(error)) continue;
    fs::remove(it->path(), error);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    Fail("cannot remove temporaries in {}: {}", folder.string(), error.message());
  }
}

}  // namespace numeral
