#include "util/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

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

// Makes the rename itself survive a power cut. A few filesystems cannot sync a folder and say
// EINVAL; there is nothing better to do on those.
void SyncFolder(const fs::path& folder) {
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || (::fsync(fd.get()) != 0 && errno != EINVAL)) {
    Fail("cannot sync folder {}: {}", folder.string(), Reason(errno));
  }
}

}  // namespace

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)),
      temporary_(TemporaryFor(path_)),
      fd_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (fd_ < 0) FailWith(errno);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)) {
  other.temporary_.clear();
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::FailWith(int error) const {
  Fail("cannot write {}: {}", path_.string(), Reason(error));
}

void AtomicFile::Write(std::string_view bytes) {
  NUMERAL_CHECK(fd_ >= 0);
  if (!WriteAll(fd_, bytes)) FailWith(errno);
}

void AtomicFile::Commit(Durability durability) {
  NUMERAL_CHECK(fd_ >= 0);
  const bool sync = durability == Durability::kOnDisk;
  if (sync && ::fsync(fd_) != 0) FailWith(errno);
  // Some filesystems (NFS, quotas) report a failed write only here, so a writer must ask.
  if (::close(std::exchange(fd_, -1)) != 0) FailWith(errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) FailWith(errno);
  temporary_.clear();
  if (sync) SyncFolder(path_.has_parent_path() ? path_.parent_path() : fs::path("."));
}

void WriteFileAtomically(const fs::path& path, std::string_view bytes, Durability durability) {
  AtomicFile file(path);
  file.Write(bytes);
  file.Commit(durability);
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
