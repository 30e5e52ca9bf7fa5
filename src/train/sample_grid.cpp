#include "train/sample_grid.h"

#include "render/grid.h"
#include "render/png.h"
#include "util/files.h"
#include "util/random.h"

namespace numeral {
namespace {

std::vector<float> DrawFixedLatents(const InputSpec& input, uint64_t seed, int count) {
  const uint32_t stream = StreamId("sample/" + input.name);
  std::vector<float> latents(static_cast<size_t>(count) * static_cast<size_t>(input.shape.c));
  for (size_t i = 0; i < latents.size(); ++i) {
    latents[i] = input.distribution == InputSpec::Distribution::kNormal
                     ? DrawNormal(seed, stream, 0, i)
                     : SignedUnitFromBits(DrawBits(seed, stream, 0, i));
  }
  return latents;
}

}  // namespace

SampleGrid::SampleGrid(const Config& config)
    : rows_(config.output.grid_rows), columns_(config.output.grid_columns) {
  const std::vector<int> choices = config.data.Classes();
  const int count = rows_ * columns_;
  inputs_.count = count;
  for (const InputSpec& input : config.generator.inputs) {
    if (input.kind == InputSpec::Kind::kLatent) {
      inputs_.latents.push_back(DrawFixedLatents(input, config.seed, count));
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
