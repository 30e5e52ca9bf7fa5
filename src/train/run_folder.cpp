#include "train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRuns = "runs";

bool HoldsRun(const fs::path& dir) {
  return fs::exists(dir / "metrics.jsonl") || HasCheckpoint(dir);
}

// runs/<name>, runs/<name>_2, ...
fs::path Numbered(const std::string& name, int number) {
  return fs::path(kRuns) / (number == 1 ? name : fmt::format("{}_{}", name, number));
}

// The highest number that a run of this name has; 0 where there is none.
int HighestNumber(const std::string& name) {
  int highest = fs::exists(Numbered(name, 1)) ? 1 : 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(kRuns, error)) {
    const std::string file = entry.path().filename().string();
    if (!file.starts_with(name + "_")) continue;
    const std::string digits = file.substr(name.size() + 1);
    const bool number = !digits.empty() && digits.size() < 9 &&
                        digits.find_first_not_of("0123456789") == std::string::npos;
    if (number) highest = std::max(highest, std::stoi(digits));
  }
  return highest;
}

// Replaces runs/latest in one step, so that it always points somewhere.
void PointLatestAt(const fs::path& dir) {
  const fs::path link = fs::path(kRuns) / "latest";
  const fs::path temporary = fs::path(kRuns) / fmt::format("latest.{}.tmp", getpid());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_directory_symlink(dir.filename(), temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (error) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    BadInput("cannot make {} point at {}: {}", link.string(), dir.string(), error.message());
  }
}

// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : fd_(open(path.c_str(), flags, 0644)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Whether `test` holds of a folder inside.
template <typename Test>
bool AnyInside(const fs::path& dir, const Test& test) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    if (test(entry.path())) return true;
  }
  return false;
}

fs::path NewFolder(const std::string& name, const std::string& explicit_dir) {
  return explicit_dir.empty() ? Numbered(name, HighestNumber(name) + 1) : fs::path(explicit_dir);
}

fs::path NewestFolder(const std::string& name, const std::string& explicit_dir) {
  return explicit_dir.empty() ? Numbered(name, std::max(1, HighestNumber(name)))
                              : fs::path(explicit_dir);
}

}  // namespace

bool HasCheckpoint(const fs::path& dir) {
  std::error_code error;
  return fs::exists(dir / "checkpoint/state.safetensors", error);
}

fs::path NewGroupFolder(const std::string& name, const std::string& explicit_dir) {
  const fs::path dir = NewFolder(name, explicit_dir);
  if (HoldsRun(dir) || AnyInside(dir, HoldsRun)) {
    BadInput("{} holds runs already; give --resume to continue them or another --run-dir",
             dir.string());
  }
  return dir;
}

fs::path ResumedGroupFolder(const std::string& name, const std::string& explicit_dir) {
  const fs::path dir = NewestFolder(name, explicit_dir);
  if (!AnyInside(dir, HasCheckpoint)) {
    BadInput("nothing to resume: no run in {} has a checkpoint", dir.string());
  }
  return dir;
}

RunFolder::RunFolder(fs::path dir) : dir_(std::move(dir)) {
  const auto lock = std::make_shared<const Descriptor>(dir_, O_RDONLY | O_DIRECTORY);
  if (lock->get() >= 0 && flock(lock->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    BadInput("another process trains in {}; wait for it or choose another --run-dir",
             dir_.string());
  }
  lock_ = lock;
}

RunFolder RunFolder::Create(const std::string& name, const std::string& explicit_dir) {
  const fs::path dir = NewFolder(name, explicit_dir);
  if (HoldsRun(dir)) {
    BadInput("{} holds a run already; give --resume to continue it or another --run-dir",
             dir.string());
  }
  MakeFolder(dir / "checkpoint");
  RunFolder folder(dir);
  if (explicit_dir.empty()) PointLatestAt(dir);
  return folder;
}

RunFolder RunFolder::Resume(const std::string& name, const std::string& explicit_dir) {
  const fs::path dir = NewestFolder(name, explicit_dir);
  if (!HasCheckpoint(dir)) {
    BadInput("nothing to resume: {} has no checkpoint", dir.string());
  }
  RunFolder folder(dir);
  RemoveStaleTemporaries(dir);
  RemoveStaleTemporaries(dir / "samples");
  RemoveStaleTemporaries(dir / "checkpoint");
  if (explicit_dir.empty()) PointLatestAt(dir);
  return folder;
}

fs::path RunFolder::sample(int epoch) const {
  return dir_ / "samples" / fmt::format("epoch_{:04}.png", epoch);
}

void RunFolder::AppendMetrics(const std::string& line) const {
  const Descriptor file(metrics(), O_WRONLY | O_CREAT | O_APPEND);
  const std::string text = line + "\n";
  const int64_t before = MetricsBytes();
  errno = 0;
  const bool written =
      file.get() >= 0 &&
      write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      fsync(file.get()) == 0;
  if (written) return;
  const std::string reason = errno == 0 ? "the disk is full" : std::strerror(errno);
  // Half a line would make the file unreadable.
  if (file.get() >= 0) (void)!ftruncate(file.get(), before);
  Fail("cannot append to {}: {}", metrics().string(), reason);
}

int64_t RunFolder::MetricsBytes() const {
  std::error_code error;
  const auto bytes = fs::file_size(metrics(), error);
  return error ? 0 : static_cast<int64_t>(bytes);
}

void RunFolder::TruncateMetrics(int64_t bytes) const {
  if (MetricsBytes() < bytes) {
    BadInput("{} is shorter than when the checkpoint was written; it was changed since",
             metrics().string());
  }
  if (MetricsBytes() == bytes) return;
  std::error_code error;
  fs::resize_file(metrics(), static_cast<uintmax_t>(bytes), error);
  if (error) Fail("cannot shorten {}: {}", metrics().string(), error.message());
}

}  // namespace numeral
