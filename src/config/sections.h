// The parts of a config, each with its reader and writer. Internal to config/.
//
// Readers throw Error(kBadInput). Writers make every key explicit.
#pragma once

#include "config/keys.h"
#include "config/location.h"
#include "config/object_reader.h"

namespace numeral::config_detail {

DataSpec ReadData(const ObjectReader& reader);
// `kind`: what is trained. Refuses keys that mean nothing for it.
TrainingSpec ReadTraining(const ObjectReader& reader, RunKind kind);
OutputSpec ReadOutput(const ObjectReader& reader);
EvaluationSpec ReadEvaluation(const ObjectReader& reader);
PairsSpec ReadPairs(const ObjectReader& reader);
NetworkSpec ReadNetwork(const Json& json, const Location& at, const std::string& name,
                        Convention convention);
// What the layer does, without its name and inputs.
LayerOp ReadLayerOp(const ObjectReader& reader);

Json WriteData(const DataSpec& data);
Json WriteTraining(const TrainingSpec& training, RunKind kind);
Json WriteOutput(const OutputSpec& output, RunKind kind);
Json WriteEvaluation(const EvaluationSpec& evaluation);
Json WritePairs(const PairsSpec& pairs);
Json WriteInit(const InitSpec& init);
// Adds the keys of the layer's kind to `json`.
void WriteLayerOp(const LayerOp& op, Convention convention, Json& json);

// Refuses what each part allows alone but not together with the others: batch and update order,
// loss and networks.
void CheckConfig(const Config& config, const std::string& source);

}  // namespace numeral::config_detail
