// Runs one of the built programs as a user would, in a folder of the test's own.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "util/files.h"

namespace numeral {

struct ToolResult {
  int status = -1;  // exit status, or 128 + signal
  std::string out, err;
};

// A started program. `name` is that of a binary in the build folder. Its files cannot grow beyond
// `longest_file` bytes: a full disk, without needing one.
class Tool {
 public:
  Tool(const std::string& name, std::vector<std::string> args, std::filesystem::path folder,
       rlim_t longest_file = RLIM_INFINITY)
      : folder_(std::move(folder)), longest_file_(longest_file) {
    args.insert(args.begin(), std::string(NUMERAL_BINARY_DIR "/") + name);
    std::fflush(nullptr);  // or the child would print it once more
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) Become(args);
  }

  void Signal(int signal) const { kill(pid_, signal); }

  ToolResult Wait() const {
    int state = 0;
    waitpid(pid_, &state, 0);
    const int status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return {status, ReadFile(folder_ / "stdout.txt"), ReadFile(folder_ / "stderr.txt")};
  }

 private:
  [[noreturn]] void Become(const std::vector<std::string>& args) const {
    if (chdir(folder_.c_str()) != 0) _exit(99);
    if (!freopen("stdout.txt", "w", stdout) || !freopen("stderr.txt", "w", stderr)) _exit(99);
    unsetenv("NUMERAL_DATA");
    if (longest_file_ != RLIM_INFINITY) {
      const rlimit limit{longest_file_, longest_file_};
      signal(SIGXFSZ, SIG_IGN);
      if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(99);
    }
    std::vector<char*> argv;
    for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(99);
  }

  std::filesystem::path folder_;
  rlim_t longest_file_;
  pid_t pid_ = -1;
};

inline ToolResult RunTool(const std::string& name, const std::vector<std::string>& args,
                          const std::filesystem::path& folder,
                          rlim_t longest_file = RLIM_INFINITY) {
  return Tool(name, args, folder, longest_file).Wait();
}

}  // namespace numeral
