#include "train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRuns = "runs";

bool HoldsRun(const fs::path& dir) {
  return fs::exists(dir / "config.json") || fs::exists(dir / "metrics.jsonl") ||
         fs::exists(dir / "checkpoint");
}

// runs/<name>, runs/<name>_2, ...
fs::path Numbered(const std::string& name, int number) {
  return fs::path(kRuns) / (number == 1 ? name : fmt::format("{}_{}", name, number));
}

int FirstFree(const std::string& name) {
  int number = 1;
  while (fs::exists(Numbered(name, number))) ++number;
  return number;
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

}  // namespace

RunFolder RunFolder::Create(const std::string& name, const std::string& explicit_dir) {
  const fs::path dir =
      explicit_dir.empty() ? Numbered(name, FirstFree(name)) : fs::path(explicit_dir);
  if (HoldsRun(dir)) {
    BadInput("{} holds a run already; give --resume to continue it or another --run-dir",
             dir.string());
  }
  MakeFolder(dir / "samples");
  MakeFolder(dir / "checkpoint");
  if (explicit_dir.empty()) PointLatestAt(dir);
  return RunFolder(dir);
}

RunFolder RunFolder::Resume(const std::string& name, const std::string& explicit_dir) {
  const fs::path dir = explicit_dir.empty() ? Numbered(name, std::max(1, FirstFree(name) - 1))
                                            : fs::path(explicit_dir);
  RunFolder folder(dir);
  if (!fs::exists(folder.checkpoint())) {
    BadInput("nothing to resume: {} has no checkpoint", dir.string());
  }
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
  const bool written = file.get() >= 0 &&
                       write(file.get(), text.data(), text.size()) ==
                           static_cast<ssize_t>(text.size()) &&
                       fsync(file.get()) == 0;
  if (!written) Fail("cannot append to {}: {}", metrics().string(), std::strerror(errno));
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
