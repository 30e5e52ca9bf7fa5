// What a call that must throw an Error said.
#pragma once

#include <initializer_list>
#include <string>

#include "tests/catch.h"
#include "util/error.h"

namespace numeral {

// Runs `action`, fails the test unless it throws an Error of that kind, returns the message.
template <typename Action>
std::string MessageOf(ErrorKind kind, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  FAIL("no error was thrown");
  return "";
}

inline void CheckMentions(const std::string& message, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) {
    INFO("\"" << message << "\" should mention \"" << part << "\"");
    CHECK(message.find(part) != std::string::npos);
  }
}

}  // namespace numeral
