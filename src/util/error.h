// The one exception type of the project.
//
// Owns: the split between a mistake of the user (bad input, exit status 2) and a failure of the
// program or machine (exit status 1). Tools print what() on one line; messages therefore say what
// was wrong, where (file, JSON pointer or byte offset) and what to do about it. Exit codes live in
// tools/.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace numeral {

enum class ErrorKind { kBadInput, kFailure };

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// The user gave something wrong: a file, an option, a config value.
template <typename... Args>
[[noreturn]] void BadInput(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorKind::kBadInput, fmt::format(format, std::forward<Args>(args)...));
}

// Something failed that the user did not cause: a full disk, a broken invariant, a library error.
template <typename... Args>
[[noreturn]] void Fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(ErrorKind::kFailure, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace numeral

// Checks an invariant of the program itself, in every build type.
#define NUMERAL_CHECK(condition)                                                         \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      ::numeral::Fail("internal error: {} does not hold at {}:{}", #condition, __FILE__, \
                      __LINE__);                                                         \
    }                                                                                    \
  } while (false)
