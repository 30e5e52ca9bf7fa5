// A run as one HTML file: what it was, what came of it, how to repeat it.
//
// Called by report.h, which collects the pictures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/run_record.h"

namespace numeral {

struct EmbeddedSample {
  int64_t epoch = 0;
  std::string png;  // the file's bytes
};

struct PagePictures {
  std::string curves_svg;                   // empty where there are none
  std::vector<EmbeddedSample> samples;      // by epoch
  std::string confusion_png, mistakes_png;  // of the evaluation; empty where there are none
};

std::string RunPage(const RunRecord& run, const PagePictures& pictures);

}  // namespace numeral
