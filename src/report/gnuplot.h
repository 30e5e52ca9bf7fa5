// The program gnuplot, run once: a script goes in, a picture comes out.
//
// It is started without a shell and without the user's settings. Script, picture and messages pass
// through files in memory, so neither side ever waits for the other to read; after kGnuplotSeconds
// it is ended. Throws Error(kFailure) in one line where it is missing, fails or draws nothing.
#pragma once

#include <string>
#include <string_view>

namespace numeral {

inline constexpr unsigned kGnuplotSeconds = 60;

// The script sets a terminal and no output: what it draws is returned.
std::string RunGnuplot(std::string_view script);

}  // namespace numeral
