#include "train/quality.h"

#include "util/error.h"

namespace numeral {
namespace {

std::vector<int32_t> WantedDigits(const Config& config, int64_t count) {
  const std::vector<int> classes = config.data.Classes();
  std::vector<int32_t> digits;
  for (int64_t i = 0; i < count; ++i) {
    digits.push_back(classes[static_cast<size_t>(i) % classes.size()]);
  }
  return digits;
}

}  // namespace

double ValueOf(EvaluationSpec::Metric metric, const Quality& quality) {
  const Neighbourhood& neighbourhood = quality.comparison.neighbourhood;
  switch (metric) {
    case EvaluationSpec::Metric::kS1:
      return quality.classification.overall.rate();
    case EvaluationSpec::Metric::kFidC:
      return quality.comparison.fid_c;
    case EvaluationSpec::Metric::kPrecision:
      return neighbourhood.precision;
    case EvaluationSpec::Metric::kRecall:
      return neighbourhood.recall;
    case EvaluationSpec::Metric::kDensity:
      return neighbourhood.density;
    case EvaluationSpec::Metric::kCoverage:
      return neighbourhood.coverage;
  }
  Fail("internal error: unknown metric");
}

QualityMonitor::QualityMonitor(Session& session, const Dataset& data)
    : session_(session),
      spec_(session.config().evaluation),
      generator_(session.Describe(session.networks()[0]), session.Values(session.networks()[0]),
                 session.engine(), session.config().name),
      judges_(spec_.classifier, spec_.judge, session.engine()) {
  const Dataset real = DrawImages(data, spec_.samples, session.config().seed);
  if (real.count() <= kDefaultNeighbours) {
    BadInput("{}: /evaluation: {} training images are too few to compare with",
             session.config().name, real.count());
  }
  real_ = AsReal(Judge(judges_, real.pixels).features);
}

// A generator of one class is asked for its digit by its data.
bool QualityMonitor::KnowsDigits() const {
  return generator_.conditional() || session_.config().data.digits.size() == 1;
}

Quality QualityMonitor::Measure() {
  const Config& config = session_.config();
  generator_.SetValues(session_.Values(session_.networks()[0]));
  const int64_t count = real_.features.count;  // sets of one size are compared
  const std::vector<int32_t> digits = WantedDigits(config, count);
  const GeneratorInputs inputs =
      generator_.DrawInputs(config.seed, count, spec_.latent_scale,
                            generator_.conditional() ? digits : std::vector<int32_t>());
  const JudgedSet fakes = Judge(judges_, generator_.Draw(inputs));
  std::vector<int> wanted;
  if (KnowsDigits()) wanted.assign(digits.begin(), digits.end());
  return {Report(fakes.by_classifier, wanted), KnowsDigits(), Compare(real_, fakes.features)};
}

bool QualityMonitor::IsBest(const Quality& quality, int epoch, BestEvaluation& best) const {
  const bool lower_is_better =
      spec_.best == EvaluationSpec::Metric::kS1 || spec_.best == EvaluationSpec::Metric::kFidC;
  const double value = ValueOf(spec_.best, quality);
  const bool better =
      best.epoch == 0 || (lower_is_better ? value < best.value : value > best.value);
  if (better) {
    best = {epoch, value, 0};
  } else {
    ++best.since;
  }
  return better;
}

bool QualityMonitor::ShouldStop(const BestEvaluation& best) const {
  return spec_.patience > 0 && best.since >= spec_.patience;
}

}  // namespace numeral
