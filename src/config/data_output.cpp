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
  data.max_shift = reader.Int("max_shift");
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

EvaluationSpec ReadEvaluation(const ObjectReader& reader) {
  EvaluationSpec evaluation;
  evaluation.classifier = reader.String("classifier");
  evaluation.judge = reader.String("judge");
  evaluation.every = reader.Int("every");
  evaluation.samples = reader.Int("samples");
  evaluation.latent_scale = reader.Number("latent_scale");
  evaluation.best = reader.Choice<EvaluationSpec::Metric>("best");
  evaluation.patience = reader.Int("patience");
  if (evaluation.classifier.empty()) {
    for (const char* key : {"judge", "patience"}) {
      if (reader.Has(key) && reader.Raw(key) != Json(0) && reader.Raw(key) != Json("")) {
        BadValue(reader.At(key), "means nothing without a \"classifier\" beside it");
      }
    }
  }
  return evaluation;
}

PairsSpec ReadPairs(const ObjectReader& reader) {
  return {reader.String("generator"), reader.String("classifier"), reader.Int("per_digit"),
          reader.Number("min_confidence"), reader.Int("max_draws")};
}

Json WriteData(const DataSpec& data) {
  return {{"dataset", data.dataset},
          {"split", data.split},
          {"digits", data.digits},
          {"limit", data.limit},
          {"last_batch", data.keep_last_batch ? "keep" : "drop"},
          {"pixel_range", data.pixel_range},
          {"max_shift", data.max_shift}};
}

Json WriteOutput(const OutputSpec& output, RunKind kind) {
  Json json = {{"checkpoint_every", output.checkpoint_every}};
  if (kind != RunKind::kGan) return json;
  json["sample_every"] = output.sample_every;
  json["accuracy_every"] = output.accuracy_every;
  json["grid"] = Json::array({output.grid_rows, output.grid_columns});
  return json;
}

Json WriteEvaluation(const EvaluationSpec& evaluation) {
  return {{"classifier", evaluation.classifier},
          {"judge", evaluation.judge},
          {"every", evaluation.every},
          {"samples", evaluation.samples},
          {"latent_scale", evaluation.latent_scale},
          {"best", ChoiceName(kEvaluation, "best", evaluation.best)},
          {"patience", evaluation.patience}};
}

Json WritePairs(const PairsSpec& pairs) {
  return {{"generator", pairs.generator},
          {"classifier", pairs.classifier},
          {"per_digit", pairs.per_digit},
          {"min_confidence", pairs.min_confidence},
          {"max_draws", pairs.max_draws}};
}

}  // namespace numeral::config_detail
