// The same latents and digits at every epoch, so that pictures of a run can be compared.
#pragma once

#include <filesystem>
#include <vector>

#include "train/session.h"

namespace numeral {

class SampleGrid {
 public:
  // grid_rows x grid_columns cells. Latents are drawn from the run's seed; a conditional
  // generator's row r shows the r-th of its digits, beginning again after the last.
  explicit SampleGrid(const Config& config);

  // Draws the generator's images of them as a PNG.
  void Draw(Session& session, const std::filesystem::path& path) const;

 private:
  int rows_, columns_;
  GeneratorInputs inputs_;
};

}  // namespace numeral
