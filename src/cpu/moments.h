// Mean and variance without cancellation: partial moments merged in double.
#pragma once

namespace numeral::cpu {

// Count, mean and sum of squared distances to the mean.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  // Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
  // Variances", 1979.
  void Merge(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count;
    const double distance = other.mean - mean;
    mean += distance * (other.count / total);
    squares += other.squares + distance * distance * (count * other.count / total);
    count = total;
  }

  // Of values whose distances to `shift` have the given sum and sum of squares. Exact enough where
  // the shift is near the mean.
  static Moments Shifted(double count, double shift, double sum, double squares) {
    return {count, shift + sum / count, squares - sum * sum / count};
  }
};

}  // namespace numeral::cpu
