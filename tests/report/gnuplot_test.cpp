#include "report/gnuplot.h"

#include <cstdlib>

#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/report/search_path.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"

namespace numeral {

namespace fs = std::filesystem;

TEST_CASE("what gnuplot prints is returned", "[report]") {
  CHECK(RunGnuplot("set print '-'\nprint 6 * 7\n") == "42\n");
}

TEST_CASE("long scripts, pictures and messages block nobody", "[report]") {
  // Each far larger than a pipe holds.
  std::string script = "set print '-'\n", expected;
  for (int i = 0; i < 20000; ++i) {
    script += "print 'a line of some letters for the reader'\n";
    expected += "a line of some letters for the reader\n";
  }
  const bool same = RunGnuplot(script) == expected;
  CHECK(same);
  std::string warnings;
  for (int i = 0; i < 20000; ++i) warnings += "print 'a line of forty letters for nobody at all'\n";
  CHECK(RunGnuplot(warnings + "set print '-'\nprint 'done'\n") == "done\n");
}

TEST_CASE("what gnuplot complains of is said in one line", "[report]") {
  const std::string message =
      MessageOf(ErrorKind::kFailure, [] { RunGnuplot("set nonsense\nplot x\n"); });
  CheckMentions(message, {"gnuplot", "nrecognized option"});
  CHECK(message.find('\n') == std::string::npos);
  CheckMentions(MessageOf(ErrorKind::kFailure, [] { RunGnuplot(""); }), {"gnuplot drew nothing"});
}

TEST_CASE("where there is no gnuplot, the package is named", "[report]") {
  const TempFolder empty;
  const SearchPath path(empty.path());
  CheckMentions(MessageOf(ErrorKind::kFailure, [] { RunGnuplot("print 1"); }), {"gnuplot-nox"});
}

TEST_CASE("a gnuplot that is killed is an error", "[report]") {
  const TempFolder folder;
  const fs::path program = folder.path() / "gnuplot";
  WriteBytes(program, "#!/bin/sh\necho half of a picture\nkill -9 $$\n");
  fs::permissions(program, fs::perms::owner_all);
  const SearchPath path(folder.path());
  CheckMentions(MessageOf(ErrorKind::kFailure, [] { RunGnuplot("print 1"); }), {"signal 9"});
}

}  // namespace numeral
