// Some steps of a run for the eyes of a profiler.
//
// Where the engine has a profiler's interface (CUDA's), exactly these steps are recorded by
// whatever profiler is attached; elsewhere they run op by op and end with a table of where the time
// went.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "train/session.h"

namespace numeral {

class StepProfile {
 public:
  // Steps first .. first + count - 1, 0-based; none where count is 0.
  StepProfile(Session& session, int64_t first, int64_t count)
      : session_(session), first_(first), end_(first + count) {}

  // The next step that must not run in one go with those before it.
  int64_t NextEdge(int64_t step) const;
  void BeforeStep(int64_t step);
  // `print` is given the table, line by line.
  void AfterSteps(int64_t step, const std::function<void(const std::string&)>& print);

 private:
  Session& session_;
  int64_t first_, end_;
  bool recording_ = false, attached_ = false;
};

}  // namespace numeral
