#include "graph/feature_order.h"

#include "util/error.h"

namespace numeral {

FeatureOrder::FeatureOrder(std::vector<FeatureSegment> segments) {
  for (FeatureSegment segment : segments) {
    if (segment.h * segment.w == 1 || segment.c == 1) {
      segment = {1, 1, segment.h * segment.w * segment.c};
    }
    const bool plain = segment.h * segment.w == 1;
    if (plain && !segments_.empty() && segments_.back().h * segments_.back().w == 1) {
      segments_.back().c += segment.c;
    } else {
      segments_.push_back(segment);
    }
  }
}

FeatureOrder FeatureOrder::Concat(const std::vector<FeatureOrder>& parts) {
  std::vector<FeatureSegment> segments;
  for (const FeatureOrder& part : parts) {
    segments.insert(segments.end(), part.segments_.begin(), part.segments_.end());
  }
  return FeatureOrder(std::move(segments));
}

int64_t FeatureOrder::size() const {
  int64_t size = 0;
  for (const FeatureSegment& s : segments_) size += int64_t{s.h} * s.w * s.c;
  return size;
}

bool FeatureOrder::IsPlain() const {
  return segments_.size() == 1 && segments_[0].h * segments_[0].w == 1;
}

std::vector<int32_t> FeatureOrder::StoredToLogical() const {
  std::vector<int32_t> logical;
  logical.reserve(static_cast<size_t>(size()));
  int32_t begin = 0;
  for (const FeatureSegment& s : segments_) {
    const int32_t pixels = s.h * s.w;
    for (int32_t pixel = 0; pixel < pixels; ++pixel) {
      for (int32_t c = 0; c < s.c; ++c) logical.push_back(begin + c * pixels + pixel);
    }
    begin += pixels * s.c;
  }
  return logical;
}

std::vector<int32_t> SourceIndices(const FeatureOrder& from, const FeatureOrder& to) {
  const std::vector<int32_t> from_logical = from.StoredToLogical();
  const std::vector<int32_t> to_logical = to.StoredToLogical();
  NUMERAL_CHECK(from_logical.size() == to_logical.size());
  std::vector<int32_t> stored(from_logical.size());
  for (size_t j = 0; j < stored.size(); ++j) {
    stored[static_cast<size_t>(from_logical[j])] = static_cast<int32_t>(j);
  }
  std::vector<int32_t> source(to_logical.size());
  for (size_t i = 0; i < source.size(); ++i) source[i] = stored[static_cast<size_t>(to_logical[i])];
  return source;
}

}  // namespace numeral
