#include "metrics/frechet.h"

// Eigen's products would be summed in an order that depends on the number of threads, and its
// intrinsics for AVX-512 fill GCC 12's output with warnings; these matrices are small.
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_VECTORIZE
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "util/error.h"

namespace numeral {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

void CheckCount(int64_t count, std::string_view name) {
  if (count < 2) {
    BadInput("the covariance of the {} images' features needs 2 images at least, there are {}",
             name, count);
  }
}

void CheckStatistics(const FeatureStatistics& statistics, std::string_view name) {
  const auto size = static_cast<size_t>(statistics.size);
  NUMERAL_CHECK(statistics.size > 0);
  NUMERAL_CHECK(statistics.mean.size() == size && statistics.covariance.size() == size * size);
  CheckCount(statistics.count, name);
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(statistics.mean.begin(), statistics.mean.end(), finite) ||
      !std::all_of(statistics.covariance.begin(), statistics.covariance.end(), finite)) {
    BadInput("the mean or covariance of the {} images' features is not finite", name);
  }
}

Eigen::Map<const Vector> Mean(const FeatureStatistics& statistics) {
  return {statistics.mean.data(), statistics.size};
}

Eigen::Map<const Matrix> Covariance(const FeatureStatistics& statistics) {
  return {statistics.covariance.data(), statistics.size, statistics.size};
}

// Of a matrix without negative eigenvalues but for rounding, which is clamped off.
struct Roots {
  Vector values;   // square roots of the eigenvalues
  Matrix vectors;  // the eigenvectors, in columns
};

Roots RootsOf(const Matrix& symmetric) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(symmetric);
  if (solver.info() != Eigen::Success) {
    Fail("the eigenvalues of a covariance of {} features were not found", symmetric.rows());
  }
  return {solver.eigenvalues().cwiseMax(0).cwiseSqrt(), solver.eigenvectors()};
}

// tr (A^1/2 B A^1/2)^1/2. With A = V L V^T the matrix in brackets is V (L^1/2 V^T B V L^1/2) V^T:
// the inner one has the same eigenvalues.
double TraceOfRootOfProduct(const Matrix& a, const Matrix& b) {
  const Roots roots = RootsOf(a);
  const Matrix half = roots.vectors * roots.values.asDiagonal();
  return RootsOf(half.transpose() * b * half).values.sum();
}

}  // namespace

FeatureStatistics ComputeStatistics(const Features& features, std::string_view name) {
  CheckFeatures(features, name);
  CheckCount(features.count, name);
  const int size = features.size;
  const auto elems = static_cast<size_t>(size);
  FeatureStatistics statistics{size, std::vector<double>(elems), std::vector<double>(elems * elems),
                               features.count};
  std::vector<double>& mean = statistics.mean;
  for (int64_t image = 0; image < features.count; ++image) {
    for (int i = 0; i < size; ++i) mean[i] += features.Row(image)[i];
  }
  for (double& value : mean) value /= static_cast<double>(features.count);

  std::vector<double> centred(elems);
  for (int64_t image = 0; image < features.count; ++image) {
    for (int i = 0; i < size; ++i) centred[i] = features.Row(image)[i] - mean[i];
    for (int i = 0; i < size; ++i) {
      double* row = statistics.covariance.data() + i * elems;
      for (int j = i; j < size; ++j) row[j] += centred[i] * centred[j];
    }
  }
  for (size_t i = 0; i < elems; ++i) {
    for (size_t j = i; j < elems; ++j) {
      const double value =
          statistics.covariance[i * elems + j] / static_cast<double>(features.count - 1);
      statistics.covariance[i * elems + j] = statistics.covariance[j * elems + i] = value;
    }
  }
  return statistics;
}

double Trace(const FeatureStatistics& statistics) { return Covariance(statistics).trace(); }

double FrechetDistance(const FeatureStatistics& real, const FeatureStatistics& generated) {
  CheckSameSize(real.size, generated.size);
  CheckStatistics(real, "real");
  CheckStatistics(generated, "generated");
  const double of_means = (Mean(real) - Mean(generated)).squaredNorm();
  const double of_covariances = Trace(real) + Trace(generated) -
                                2 * TraceOfRootOfProduct(Covariance(real), Covariance(generated));
  NUMERAL_CHECK(std::isfinite(of_means) && std::isfinite(of_covariances));
  return of_means + std::max(0.0, of_covariances);
}

double RelativeFrechetDistance(double distance, const FeatureStatistics& real) {
  CheckStatistics(real, "real");
  const double variance = Trace(real);
  if (!(variance > 0)) {
    BadInput(
        "the features of the {} real images do not vary: a distance relative to their variance "
        "does not exist",
        real.count);
  }
  return distance / variance;
}

}  // namespace numeral
