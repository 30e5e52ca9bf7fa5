// Commands as a person would type them. Called by whatever tells people what to run.
#pragma once

#include <string>

namespace numeral {

// One line that a shell splits into these arguments again; `argv` ends with a null pointer.
std::string ShellQuoted(const char* const* argv);
std::string ShellQuoted(const std::string& word);

}  // namespace numeral
