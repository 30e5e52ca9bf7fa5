// What the main() of every tool does around its work.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "tools/patient_threads.h"
#include "util/error.h"

namespace numeral {

inline constexpr int kBadInputExit = 2, kFailureExit = 1, kInterruptedExit = 130;

// To standard error, whoever still listens there.
inline void Say(const std::string& text) { std::fputs((text + "\n").c_str(), stderr); }

// A number in [low, high], which CLI::Range would let NaN be too.
inline CLI::Validator Within(double low, double high) {
  return CLI::Validator(
      [low, high](const std::string& text) -> std::string {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (!text.empty() && *end == '\0' && value >= low && value <= high) return "";
        return fmt::format("{} is no number from {} to {}", text, low, high);
      },
      fmt::format("in [{} - {}]", low, high));
}

// --help without the lists of options that exclude each other: what clashes is said when it does.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string text = CLI::Formatter::make_option_opts(option);
    return text.substr(0, std::min(text.find(" Needs:"), text.find(" Excludes:")));
  }
};

// Parses the arguments, runs, and turns errors into one line and an exit status.
inline int ToolMain(CLI::App& app, int argc, char** argv, const std::function<int()>& run) {
  UsePatientThreads(argv);
  app.formatter(std::make_shared<HelpFormatter>());
  // A closed pipe must not end the work before it is saved.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    Say(fmt::format("{}: {}; see --help", app.get_name(), error.what()));
    return kBadInputExit;
  }
  try {
    return run();
  } catch (const Error& error) {
    Say(fmt::format("{}: {}", app.get_name(), error.what()));
    return error.kind() == ErrorKind::kBadInput ? kBadInputExit : kFailureExit;
  } catch (const std::exception& error) {
    Say(fmt::format("{}: {}", app.get_name(), error.what()));
    return kFailureExit;
  }
}

}  // namespace numeral
