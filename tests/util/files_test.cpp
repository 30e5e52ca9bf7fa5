#include "util/files.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <set>

#include "tests/catch.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;

std::set<std::string> Names(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

// Files of this process cannot grow beyond `bytes`: a full disk, without needing one.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    rlimit limit = old_limit_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    ::signal(SIGXFSZ, old_handler_);
  }

 private:
  void (*old_handler_)(int);
  rlimit old_limit_{};
};

TEST_CASE("a file is written whole and read back", "[files]") {
  TempFolder folder;
  const fs::path file = folder.path() / "a.bin";
  const std::string bytes =
      GENERATE(std::string(), std::string("a\0b\n", 4), std::string(3'000'000, 'x'));
  WriteFileAtomically(file, bytes);
  CHECK(ReadFile(file) == bytes);
  CHECK(Names(folder.path()) == std::set<std::string>{"a.bin"});
}

TEST_CASE("writing replaces an older file", "[files]") {
  TempFolder folder;
  const fs::path file = folder.path() / "a.txt";
  WriteFileAtomically(file, "a long older text");
  WriteFileAtomically(file, "new");
  CHECK(ReadFile(file) == "new");
}

TEST_CASE("a name without a folder is written in the current one", "[files]") {
  TempFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  WriteFileAtomically("here.txt", "text");
  fs::current_path(before);
  CHECK(ReadFile(folder.path() / "here.txt") == "text");
}

TEST_CASE("a write that fails midway keeps the older file and leaves no temporary", "[files]") {
  TempFolder folder;
  const fs::path file = folder.path() / "a.txt";
  WriteFileAtomically(file, "older");
  const std::string message = [&] {
    FileSizeLimit limit(4096);
    return MessageOf(ErrorKind::kFailure,
                     [&] { WriteFileAtomically(file, std::string(100'000, 'x')); });
  }();
  CheckMentions(message, {file.string(), "File too large"});
  CHECK(ReadFile(file) == "older");
  CHECK(Names(folder.path()) == std::set<std::string>{"a.txt"});
}

TEST_CASE("a rename that fails leaves no temporary", "[files]") {
  TempFolder folder;
  const fs::path target = folder.path() / "target";
  fs::create_directory(target);
  const std::string message =
      MessageOf(ErrorKind::kFailure, [&] { WriteFileAtomically(target, "text"); });
  CheckMentions(message, {target.string()});
  CHECK(fs::is_directory(target));
  CHECK(Names(folder.path()) == std::set<std::string>{"target"});
}

TEST_CASE("writing into a missing folder names path and reason", "[files]") {
  TempFolder folder;
  const fs::path file = folder.path() / "missing" / "a.txt";
  const std::string message =
      MessageOf(ErrorKind::kFailure, [&] { WriteFileAtomically(file, "text"); });
  CheckMentions(message, {file.string(), "No such file or directory"});
  CHECK(Names(folder.path()).empty());
}

TEST_CASE("writing into a read-only folder keeps the older file", "[files]") {
  if (::geteuid() == 0) {
    WARN("skipped: root may write everywhere");
    return;
  }
  TempFolder folder;
  const fs::path file = folder.path() / "a.txt";
  WriteFileAtomically(file, "older");
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const std::string message =
      MessageOf(ErrorKind::kFailure, [&] { WriteFileAtomically(file, "new"); });
  fs::permissions(folder.path(), fs::perms::owner_all);
  CheckMentions(message, {"Permission denied"});
  CHECK(ReadFile(file) == "older");
  CHECK(Names(folder.path()) == std::set<std::string>{"a.txt"});
}

TEST_CASE("a file in pieces appears with its last word", "[files]") {
  TempFolder folder;
  const fs::path path = folder.path() / "a.txt";
  WriteFileAtomically(path, "older");
  {
    AtomicFile file(path);
    CHECK(Names(folder.path()).size() == 2);
    file.Write("one, ");
    file.Write("");
    file.Write(std::string_view("t\0o, ", 5));
    CHECK(ReadFile(path) == "older");
    file.Write("three");
    CHECK(ReadFile(path) == "older");
    file.Commit();
    CHECK(ReadFile(path) == std::string("one, t\0o, three", 15));
    CHECK(Names(folder.path()) == std::set<std::string>{"a.txt"});
    MessageOf(ErrorKind::kFailure, [&] { file.Write("more"); });
    MessageOf(ErrorKind::kFailure, [&] { file.Commit(); });
  }
  CHECK(ReadFile(path) == std::string("one, t\0o, three", 15));
  CHECK(Names(folder.path()) == std::set<std::string>{"a.txt"});
}

TEST_CASE("a file that is given up leaves nothing", "[files]") {
  TempFolder folder;
  const fs::path path = folder.path() / "a.txt", other = folder.path() / "b.txt";
  WriteFileAtomically(path, "older");
  {
    AtomicFile file(path), never(other), twin(path);
    file.Write("half");
    twin.Write("the other half");
    CHECK(Names(folder.path()).size() == 4);  // two writers of a file do not meet
  }
  CHECK(ReadFile(path) == "older");
  CHECK(Names(folder.path()) == std::set<std::string>{"a.txt"});

  {
    AtomicFile file(path);
    const FileSizeLimit limit(4096);
    file.Write("fits");
    CheckMentions(MessageOf(ErrorKind::kFailure, [&] { file.Write(std::string(100'000, 'x')); }),
                  {path.string(), "File too large"});
  }
  CHECK(ReadFile(path) == "older");
  CHECK(Names(folder.path()) == std::set<std::string>{"a.txt"});

  fs::create_directory(other);
  {
    AtomicFile file(other);
    file.Write("text");
    CheckMentions(MessageOf(ErrorKind::kFailure, [&] { file.Commit(); }), {other.string()});
    MessageOf(ErrorKind::kFailure, [&] { file.Write("more"); });
  }
  CHECK(Names(folder.path()) == std::set<std::string>{"a.txt", "b.txt"});
  CHECK(fs::is_empty(other));
  const fs::path nowhere = folder.path() / "missing/c.txt";
  CheckMentions(MessageOf(ErrorKind::kFailure, [&] { AtomicFile file(nowhere); }),
                {nowhere.string(), "No such file or directory"});
}

TEST_CASE("a file in pieces can change hands", "[files]") {
  TempFolder folder;
  const fs::path path = folder.path() / "a.txt";
  {
    std::optional<AtomicFile> first(path);
    first->Write("one, ");
    AtomicFile second(std::move(*first));
    MessageOf(ErrorKind::kFailure, [&] { first->Write("lost"); });
    MessageOf(ErrorKind::kFailure, [&] { first->Commit(); });
    first.reset();  // which takes nothing away
    second.Write("two");
    CHECK(Names(folder.path()).size() == 1);
    CHECK_FALSE(fs::exists(path));
    second.Commit();
  }
  CHECK(ReadFile(path) == "one, two");
  CHECK(Names(folder.path()) == std::set<std::string>{"a.txt"});
}

TEST_CASE("what cannot be read is bad input with path and reason", "[files]") {
  TempFolder folder;
  const fs::path missing = folder.path() / "missing.json";
  const std::string message = MessageOf(ErrorKind::kBadInput, [&] { ReadFile(missing); });
  CheckMentions(message, {missing.string(), "No such file or directory"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ReadFile(folder.path()); }), {"a folder"});
  CheckMentions(MessageOf(ErrorKind::kBadInput, [] { ReadFile("/dev/zero"); }), {"regular file"});
}

TEST_CASE("folders are made with their parents", "[files]") {
  TempFolder folder;
  const fs::path deep = folder.path() / "a" / "b" / "c";
  MakeFolder(deep);
  CHECK(fs::is_directory(deep));
  MakeFolder(deep);  // an existing folder is fine

  const fs::path file = folder.path() / "file";
  WriteFileAtomically(file, "text");
  for (const fs::path& bad : {file, file / "below"}) {
    CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { MakeFolder(bad); }), {bad.string()});
  }
}

TEST_CASE("stale temporaries are removed and nothing else", "[files]") {
  TempFolder folder;
  for (const char* name : {"g.bin.17-0.tmp", "g.bin", "tmp", "x.tmp.json"}) {
    std::ofstream(folder.path() / name) << "text";
  }
  fs::create_directory(folder.path() / "folder.tmp");
  RemoveStaleTemporaries(folder.path());
  CHECK(Names(folder.path()) == std::set<std::string>{"g.bin", "tmp", "x.tmp.json", "folder.tmp"});
  RemoveStaleTemporaries(folder.path() / "missing");
}

}  // namespace
}  // namespace numeral
