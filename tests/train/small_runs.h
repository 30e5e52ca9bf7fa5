// A classifier that learns the synthetic images within a second, and GANs for it to judge.
#pragma once

#include <filesystem>
#include <string>

#include "config/parse.h"
#include "data/dataset.h"

namespace numeral {

// Images [first, first + count) of the endless series that SyntheticData begins. Of any 110 in a
// row no two have the same digit in the same place.
Dataset SyntheticImages(int first, int count);

// Every kind of state that a checkpoint of a classifier must carry: batch norm, dropout, an
// average, a schedule; on 220 images also a short last batch. 24 features enter its last layer.
Json ClassifierJson();
// The bytes of c.bin after a run of it on SyntheticImages(0, 220), made once.
const std::string& TrainedClassifier();
// Its c.bin before training.
void WriteUntrainedClassifier(const std::filesystem::path& path, uint64_t seed);

// A generator that draws noise and learns a little; with batch norm and an average.
Json GanJson(bool conditional);
// Its g.bin before training.
void WriteGenerator(const std::filesystem::path& path, bool conditional, uint64_t seed);
// A generator of ten latents: image k of SyntheticImages(first, 10) appears where latent k is above
// 1.5, so that about a third of all latents draw one digit, and the rest none or several.
void WriteDigitGenerator(const std::filesystem::path& path, int first);
// The same with the same picture for whatever it is given: all weights are zero.
void WriteConstantGenerator(const std::filesystem::path& path, bool conditional);

}  // namespace numeral
