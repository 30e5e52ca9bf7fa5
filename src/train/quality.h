// How good the generator is while it trains: the evaluation that a config asks for.
//
// Compares with the run's own training images, so that the test set takes no part in any choice.
// The same latents and images every time. Called by the training loop.
#pragma once

#include "data/dataset.h"
#include "metrics/evaluation.h"
#include "train/epoch_metrics.h"
#include "train/session.h"

namespace numeral {

double ValueOf(EvaluationSpec::Metric metric, const Quality& quality);

class QualityMonitor {
 public:
  // Loads the config's classifier and judge. Throws Error(kBadInput) where they are none.
  QualityMonitor(Session& session, const Dataset& data);

  // Evaluates the weights as they are.
  Quality Measure();

  // Whether `quality` is better than the best one so far, which it then becomes.
  bool IsBest(const Quality& quality, int epoch, BestEvaluation& best) const;
  // Whether patience has run out.
  bool ShouldStop(const BestEvaluation& best) const;

 private:
  bool KnowsDigits() const;

  Session& session_;
  EvaluationSpec spec_;
  Generator generator_;
  Judges judges_;
  RealImages real_;
};

}  // namespace numeral
