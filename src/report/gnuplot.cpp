#include "report/gnuplot.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "util/error.h"

namespace numeral {
namespace {

constexpr int kCannotStart = 127;

// A file without a name.
class MemoryFile {
 public:
  // Never in the place of a standard stream that is closed: the child puts its own there.
  MemoryFile() {
    const int file = memfd_create("numeral", MFD_CLOEXEC);
    fd_ = file < 0 ? file : fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (file >= 0) close(file);
    if (fd_ < 0) Fail("cannot draw curves: no file in memory: {}", std::strerror(errno));
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }

  void Fill(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) Fail("cannot draw curves: {}", std::strerror(errno));
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    lseek(fd_, 0, SEEK_SET);
  }

  std::string Content() const {
    std::string bytes(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    size_t used = 0;
    while (used < bytes.size()) {
      const ssize_t got =
          pread(fd_, bytes.data() + used, bytes.size() - used, static_cast<off_t>(used));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      used += static_cast<size_t>(got);
    }
    bytes.resize(used);
    return bytes;
  }

 private:
  int fd_;
};

// In the child, after fork: only what is safe there.
[[noreturn]] void Become(const MemoryFile& in, const MemoryFile& out, const MemoryFile& err) {
  if (dup2(in.fd(), 0) < 0 || dup2(out.fd(), 1) < 0 || dup2(err.fd(), 2) < 0) _exit(kCannotStart);
  signal(SIGALRM, SIG_DFL);
  alarm(kGnuplotSeconds);  // outlives exec
  execlp("gnuplot", "gnuplot", "--default-settings", "-", static_cast<char*>(nullptr));
  _exit(kCannotStart);
}

int WaitFor(pid_t child) {
  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) Fail("gnuplot was lost: {}", std::strerror(errno));
  }
  return state;
}

// What it complained of, in one line: the first one that names a line of the script, or all of
// them.
std::string Complaint(const std::string& messages) {
  std::istringstream text(messages);
  std::string all;
  for (std::string line; std::getline(text, line);) {
    const size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    line = line.substr(first);
    if (line.starts_with("line ")) return line;
    all += (all.empty() ? "" : "; ") + line;
  }
  return all.empty() ? "without a word" : all;
}

}  // namespace

std::string RunGnuplot(std::string_view script) {
  MemoryFile in, out, err;
  in.Fill(script);
  const pid_t child = fork();
  if (child < 0) Fail("cannot start gnuplot: {}", std::strerror(errno));
  if (child == 0) Become(in, out, err);
  const int state = WaitFor(child);
  if (WIFSIGNALED(state)) Fail("gnuplot was ended by signal {}", WTERMSIG(state));
  if (WEXITSTATUS(state) == kCannotStart) {
    Fail("cannot start gnuplot; to have curves, install the package gnuplot-nox");
  }
  if (WEXITSTATUS(state) != 0) Fail("gnuplot failed: {}", Complaint(err.Content()));
  std::string picture = out.Content();
  if (picture.empty()) Fail("gnuplot drew nothing: {}", Complaint(err.Content()));
  return picture;
}

}  // namespace numeral
