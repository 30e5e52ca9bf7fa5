// The curves of a run, and of several beside each other.
//
// A curve is broken where a measurement is missing: where two neighbours lie further apart than is
// usual in it, so that a figure measured every fifth epoch is still a line. Called for the pictures
// of a run and for the comparison.
#pragma once

#include <span>

#include "report/figure.h"
#include "report/run_record.h"

namespace numeral {

// Nothing in it where a run measured nothing.
Figure CurvesOf(const RunRecord& run);
// A panel for each metric that at least one of them has.
Figure CurvesOf(std::span<const RunRecord> runs);

}  // namespace numeral
