#include "train/sample_grid.h"

#include "inference/noise.h"
#include "render/grid.h"
#include "render/png.h"
#include "util/files.h"

namespace numeral {
SampleGrid::SampleGrid(const Config& config)
    : rows_(config.output.grid_rows), columns_(config.output.grid_columns) {
  const std::vector<int> choices = config.data.Classes();
  const int count = rows_ * columns_;
  inputs_.count = count;
  for (const InputSpec& input : config.generator.inputs) {
    if (input.kind == InputSpec::Kind::kLatent) {
      inputs_.latents.push_back(DrawNoise(input, config.seed, "sample/" + input.name, 0, 0, count));
    } else if (input.kind == InputSpec::Kind::kDigit) {
      for (int cell = 0; cell < count; ++cell) {
        inputs_.digits.push_back(choices[static_cast<size_t>(cell / columns_) % choices.size()]);
      }
    }
  }
}

void SampleGrid::Draw(Session& session, const std::filesystem::path& path) const {
  MakeFolder(path.parent_path());
  const std::vector<uint8_t> pixels = session.Sample(inputs_);
  WritePng(path, DrawGrid(pixels, {.rows = rows_, .columns = columns_, .row_labels = {}}));
}

}  // namespace numeral
