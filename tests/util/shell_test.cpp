#include "util/shell.h"

#include <cstdio>

#include "tests/catch.h"

namespace numeral {
namespace {

// What a shell makes of a command line: one argument in each line of brackets.
std::string ArgumentsOf(const std::string& line) {
  FILE* shell = popen(("printf '[%s]' " + line).c_str(), "r");
  REQUIRE(shell != nullptr);
  std::string text;
  for (int c = 0; (c = std::fgetc(shell)) != EOF;) text += static_cast<char>(c);
  pclose(shell);
  return text;
}

}  // namespace

TEST_CASE("a shell reads a quoted command as it was typed", "[shell]") {
  const char* argv[] = {"build/trainer", "a b.json",    "",       "it's",  "$HOME `id` \\ \"x\"",
                        "--set",         "/name=[1,2]", "*?;&|>", "a\nb#", nullptr};
  CHECK(
      ArgumentsOf(ShellQuoted(argv)) ==
      "[build/trainer][a b.json][][it's][$HOME `id` \\ \"x\"][--set][/name=[1,2]][*?;&|>][a\nb#]");
  const char* plain[] = {"build/trainer", "configs/a_b.json", "--epochs=3", nullptr};
  CHECK(ShellQuoted(plain) == "build/trainer configs/a_b.json --epochs=3");
}

}  // namespace numeral
