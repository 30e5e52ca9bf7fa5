// In what order, and on which lanes, the nodes of a phase go into its graph.
//
// A list scheduler: of all nodes that have nothing left to wait for, the one that can start first
// goes next, on the lane where it can (Hwang, Chow, Anger & Lee 1989); of several, the one with the
// longest way to the end. So the gradient of a layer's data, which the rest of the way back waits
// for, keeps the lane, and that of its weights moves aside. Times are rough estimates, which
// decide what runs beside what and nothing else: results are the same in every schedule.
#pragma once

#include <cstddef>
#include <vector>

#include "config/spec.h"
#include "plan/plan.h"

namespace numeral::cuda {

inline constexpr int kLanes = 2;

// What a node of ops that cost so much takes, about.
double EstimatedMicroseconds(const Cost& cost, Precision precision);

// A node's place. The first and the last place of a schedule have none: all lanes start behind the
// one and end before the other.
struct Place {
  static constexpr size_t kNoNode = static_cast<size_t>(-1);
  size_t node = kNoNode;
  int lane = 0;
  // Places on other lanes that nothing on this lane has waited for, directly or by way of others.
  std::vector<size_t> waits_for;
  bool awaited = false;  // by a place on another lane
};

// `dependencies` of each node are nodes before it. Nodes that take no time have no place; they
// depend on nothing and nothing on them. In the plan's order on one lane where two are no faster.
std::vector<Place> MakeSchedule(const std::vector<std::vector<size_t>>& dependencies,
                                const std::vector<double>& microseconds);

}  // namespace numeral::cuda
