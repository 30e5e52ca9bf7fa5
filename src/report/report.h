// The pictures and the page of a run, written into its folder:
//
//   losses.svg  losses.png   curves over the epochs
//   progress.gif             the sample pictures, one after the other
//   report.html              everything on one page that needs no other file
//
// What cannot be made (no gnuplot, a broken sample) is left out with a note; the rest is written
// all the same. Called by the training loop at a run's end and by `report`.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "report/run_page.h"

namespace numeral {

// More samples than this are thinned out, evenly.
inline constexpr size_t kMostFrames = 60;

using Note = std::function<void(const std::string&)>;

// Throws Error(kFailure) where the folder cannot be written.
void WriteRunReport(const RunRecord& run, const Note& note);

// One page that compares runs (comparison.h), in their order; `sorted_by` is SortRuns' result.
void WriteComparison(std::span<const RunRecord> runs, int sorted_by,
                     const std::filesystem::path& out, const Note& note);

// Its samples that are PNGs of one size, at most kMostFrames.
std::vector<EmbeddedSample> LoadSamples(const RunRecord& run, const Note& note);
// The animation of them; there is at least one.
std::string ProgressGif(const std::vector<EmbeddedSample>& samples);

}  // namespace numeral
