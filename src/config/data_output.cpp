// The sections about what goes in and what comes out.
#include "config/object_reader.h"
#include "config/sections.h"

namespace numeral::config_detail {

DataSpec ReadData(const ObjectReader& reader) {
  DataSpec data;
  data.dataset = reader.ChoiceText("dataset");
  data.split = reader.ChoiceText("split");
  data.digits = reader.Integers("digits");
  data.limit = reader.Int("limit");
  data.keep_last_batch = reader.ChoiceText("last_batch") == "keep";
  data.pixel_range = reader.NumberPair("pixel_range");
  if (data.pixel_range[0] >= data.pixel_range[1]) {
    BadValue(reader.At("pixel_range"), "expected the smaller number first, got [{}, {}]",
             data.pixel_range[0], data.pixel_range[1]);
  }
  return data;
}

OutputSpec ReadOutput(const ObjectReader& reader) {
  const auto grid = reader.IntegerPair("grid");
  return {reader.Int("sample_every"), reader.Int("accuracy_every"), reader.Int("checkpoint_every"),
          grid[0], grid[1]};
}

Json WriteData(const DataSpec& data) {
  return {{"dataset", data.dataset},
          {"split", data.split},
          {"digits", data.digits},
          {"limit", data.limit},
          {"last_batch", data.keep_last_batch ? "keep" : "drop"},
          {"pixel_range", data.pixel_range}};
}

Json WriteOutput(const OutputSpec& output) {
  return {{"sample_every", output.sample_every},
          {"accuracy_every", output.accuracy_every},
          {"checkpoint_every", output.checkpoint_every},
          {"grid", Json::array({output.grid_rows, output.grid_columns})}};
}

}  // namespace numeral::config_detail
