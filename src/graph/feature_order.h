// The order of flat features in memory, against their order in files and in PyTorch.
//
// Activations are NHWC, PyTorch's are NCHW, so flattening HxWxC gives features in H,W,C order in
// memory (the stored order) where PyTorch's view() gives C,H,W (the logical order). Instead of
// moving data in every step, the difference is folded into the weights next to it once, when they
// are read or written. A FeatureOrder describes a flat vector as segments; within one segment the
// logical index is c*h*w + y*w + x and the stored index is (y*w + x)*c_count + c. A segment with h
// == w == 1 is plain. The same rule orders a convolution weight's columns: C,R,S in files, R,S,C in
// memory.
#pragma once

#include <cstdint>
#include <vector>

#include "util/shape.h"

namespace numeral {

struct FeatureSegment {
  int h = 1, w = 1, c = 0;
  bool operator==(const FeatureSegment&) const = default;
};

class FeatureOrder {
 public:
  FeatureOrder() = default;
  static FeatureOrder Plain(int features) { return FeatureOrder({{1, 1, features}}); }
  static FeatureOrder Of(const Shape& shape) { return FeatureOrder({{shape.h, shape.w, shape.c}}); }
  static FeatureOrder Concat(const std::vector<FeatureOrder>& parts);

  const std::vector<FeatureSegment>& segments() const { return segments_; }
  int64_t size() const;
  // True where stored and logical order are the same.
  bool IsPlain() const;
  // logical[i] is the logical index of the feature stored at i.
  std::vector<int32_t> StoredToLogical() const;
  // Adjacent plain segments are merged, so that equal orders compare equal.
  bool operator==(const FeatureOrder&) const = default;

 private:
  explicit FeatureOrder(std::vector<FeatureSegment> segments);
  std::vector<FeatureSegment> segments_;
};

// For every feature i stored in the order `to`, where the same logical feature is stored in `from`.
// The orders must be of one size.
std::vector<int32_t> SourceIndices(const FeatureOrder& from, const FeatureOrder& to);

}  // namespace numeral
