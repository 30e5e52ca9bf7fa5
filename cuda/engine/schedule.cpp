#include "cuda/engine/schedule.h"

#include <algorithm>
#include <array>

#include "util/error.h"

namespace numeral::cuda {
namespace {

// Of an H200, from its data sheet, at what kernels reach of it.
constexpr double kLaunchMicroseconds = 2;
constexpr double kBytesPerMicrosecond = 4e6;
double FlopsPerMicrosecond(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return 60e6;
    case Precision::kTf32:
      return 400e6;
    case Precision::kBf16:
      return 790e6;
  }
  Fail("internal error: no such precision");
}

// What waiting for another lane costs: about a small kernel. So nothing moves aside for less.
constexpr double kCrossingMicroseconds = 2;

using Edges = std::vector<std::vector<size_t>>;

// Of each node: its own time and that of the longest way from it to an end.
std::vector<double> TimesToEnd(const Edges& dependencies, const std::vector<double>& microseconds) {
  std::vector<double> times = microseconds, behind(microseconds.size());
  for (size_t i = times.size(); i-- > 0;) {
    times[i] += behind[i];
    for (const size_t j : dependencies[i]) behind[j] = std::max(behind[j], times[i]);
  }
  return times;
}

// Nodes in the order in which they are put on lanes.
struct Assignment {
  std::vector<size_t> order;
  std::vector<int> lanes;  // by node
  double end = 0;
};

Assignment PlanOrder(const std::vector<double>& microseconds) {
  Assignment all;
  all.lanes.resize(microseconds.size());
  for (size_t i = 0; i < microseconds.size(); ++i) {
    if (microseconds[i] > 0) all.order.push_back(i);
    all.end += microseconds[i];
  }
  return all;
}

class ListScheduler {
 public:
  ListScheduler(const Edges& dependencies, const std::vector<double>& microseconds)
      : dependencies_(dependencies),
        microseconds_(microseconds),
        times_to_end_(TimesToEnd(dependencies, microseconds)),
        ends_(microseconds.size()),
        placed_(microseconds.size()) {
    result_.lanes.resize(microseconds.size());
  }

  Assignment Run() {
    while (PlaceNext()) {
    }
    return result_;
  }

 private:
  bool PlaceNext() {
    size_t best = Place::kNoNode;
    int best_lane = 0;
    double best_start = 0;
    for (size_t i = 0; i < microseconds_.size(); ++i) {
      if (!IsReady(i)) continue;
      for (int lane = 0; lane < kLanes; ++lane) {
        const double start = StartOf(i, lane);
        const bool better = best == Place::kNoNode || start < best_start ||
                            (start == best_start && times_to_end_[i] > times_to_end_[best]);
        if (!better) continue;
        best = i;
        best_lane = lane;
        best_start = start;
      }
    }
    if (best == Place::kNoNode) return false;
    placed_[best] = true;
    ends_[best] = best_start + microseconds_[best];
    free_[static_cast<size_t>(best_lane)] = ends_[best];
    result_.lanes[best] = best_lane;
    result_.order.push_back(best);
    result_.end = std::max(result_.end, ends_[best]);
    return true;
  }

  bool IsReady(size_t node) const {
    const auto& waits = dependencies_[node];
    return !placed_[node] && microseconds_[node] > 0 &&
           std::all_of(waits.begin(), waits.end(), [&](size_t other) { return placed_[other]; });
  }

  double StartOf(size_t node, int lane) const {
    double start = free_[static_cast<size_t>(lane)];
    if (lane > 0) start = std::max(start, kCrossingMicroseconds);
    for (const size_t other : dependencies_[node]) {
      const double crossing = result_.lanes[other] == lane ? 0 : kCrossingMicroseconds;
      start = std::max(start, ends_[other] + crossing);
    }
    return start;
  }

  const Edges& dependencies_;
  const std::vector<double>& microseconds_;
  const std::vector<double> times_to_end_;
  std::array<double, kLanes> free_ = {};  // by lane
  std::vector<double> ends_;              // by node
  std::vector<bool> placed_;
  Assignment result_;
};

// Turns dependencies into as few waits as say the same.
class Waits {
 public:
  // Appends a place behind those at the given places.
  void Append(size_t node, int lane, std::vector<size_t> behind) {
    Place place{node, lane, {}, false};
    Known& known = known_by_lane_[static_cast<size_t>(lane)];
    std::sort(behind.rbegin(), behind.rend());  // the latest may say all that others do
    for (const size_t other : behind) {
      const auto there = static_cast<size_t>(places_[other].lane);
      if (places_[other].lane == lane || known[there] > other) continue;
      place.waits_for.push_back(other);
      places_[other].awaited = true;
      for (size_t i = 0; i < known.size(); ++i) known[i] = std::max(known[i], known_[other][i]);
    }
    places_.push_back(std::move(place));
    known[static_cast<size_t>(lane)] = places_.size();
    known_.push_back(known);
  }

  std::vector<Place> Take() { return std::move(places_); }

 private:
  // By lane: all its places before this one are done.
  using Known = std::array<size_t, kLanes>;

  std::vector<Place> places_;
  std::vector<Known> known_;  // behind each place
  std::array<Known, kLanes> known_by_lane_ = {};
};

}  // namespace

double EstimatedMicroseconds(const Cost& cost, Precision precision) {
  const double bytes = static_cast<double>(cost.bytes_read + cost.bytes_written);
  return kLaunchMicroseconds +
         std::max(bytes / kBytesPerMicrosecond,
                  static_cast<double>(cost.flops) / FlopsPerMicrosecond(precision));
}

std::vector<Place> MakeSchedule(const Edges& dependencies,
                                const std::vector<double>& microseconds) {
  Assignment assignment = ListScheduler(dependencies, microseconds).Run();
  Assignment chain = PlanOrder(microseconds);
  if (assignment.end + kCrossingMicroseconds >= chain.end) assignment = std::move(chain);
  Waits waits;
  waits.Append(Place::kNoNode, 0, {});
  std::vector<size_t> place_of(microseconds.size());
  std::vector<size_t> all = {0};
  for (const size_t node : assignment.order) {
    std::vector<size_t> behind = {0};
    for (const size_t other : dependencies[node]) behind.push_back(place_of[other]);
    place_of[node] = all.size();
    waits.Append(node, assignment.lanes[node], std::move(behind));
    all.push_back(place_of[node]);
  }
  waits.Append(Place::kNoNode, 0, std::move(all));
  return waits.Take();
}

}  // namespace numeral::cuda
