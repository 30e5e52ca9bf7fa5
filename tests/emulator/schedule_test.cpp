// Places of nodes on lanes: that every dependency is kept, by no more waits than it takes.
#include "cuda/engine/schedule.h"

#include <algorithm>

#include "tests/catch.h"
#include "tests/emulator/random.h"

namespace numeral::cuda {
namespace {

using Edges = std::vector<std::vector<size_t>>;

// By place: the places that are certainly done before it, found the long way.
std::vector<std::vector<bool>> DoneBefore(const std::vector<Place>& schedule) {
  std::vector<std::vector<bool>> before(schedule.size(), std::vector<bool>(schedule.size()));
  const auto add = [&](size_t place, size_t other) {
    before[place][other] = true;
    for (size_t i = 0; i < other; ++i) before[place][i] = before[place][i] || before[other][i];
  };
  for (size_t i = 0; i < schedule.size(); ++i) {
    for (const size_t other : schedule[i].waits_for) add(i, other);
    for (size_t j = i; j-- > 0;) {
      if (schedule[j].lane != schedule[i].lane) continue;
      add(i, j);
      break;
    }
  }
  return before;
}

std::vector<size_t> PlaceOfNodes(const std::vector<Place>& schedule, size_t count) {
  std::vector<size_t> places(count, schedule.size());
  for (size_t i = 0; i < schedule.size(); ++i) {
    if (schedule[i].node == Place::kNoNode) continue;
    REQUIRE(places.at(schedule[i].node) == schedule.size());
    places[schedule[i].node] = i;
  }
  return places;
}

// Whether all begin behind the first place, end before the last, and wait for their dependencies.
bool Keeps(const std::vector<Place>& schedule, const Edges& dependencies,
           const std::vector<size_t>& places) {
  const auto before = DoneBefore(schedule);
  for (size_t i = 1; i < schedule.size(); ++i) {
    if (!before[i][0] || !(i + 1 == schedule.size() || before.back()[i])) return false;
  }
  for (size_t i = 0; i < dependencies.size(); ++i) {
    for (const size_t other : dependencies[i]) {
      if (!before[places[i]][places[other]]) return false;
    }
  }
  return true;
}

int SideNodes(const std::vector<Place>& schedule) {
  return static_cast<int>(std::count_if(schedule.begin(), schedule.end(),
                                        [](const Place& place) { return place.lane != 0; }));
}

}  // namespace

TEST_CASE("Schedules keep every dependency by no needless wait", "[emulator][schedule]") {
  emulator::Random random;
  random.Seed(7);
  int side_nodes = 0;
  for (int round = 0; round < 60; ++round) {
    const size_t count = 1 + random.Below(24);
    Edges dependencies(count);
    std::vector<double> microseconds;
    for (size_t i = 0; i < count; ++i) {
      microseconds.push_back(random.Below(6) == 0 ? 0 : 2 + random.Below(9));
      for (size_t j = i; j-- > 0 && microseconds[i] > 0;) {
        if (microseconds[j] > 0 && random.Below(4) == 0) dependencies[i].push_back(j);
      }
    }
    const std::vector<Place> schedule = MakeSchedule(dependencies, microseconds);
    side_nodes += SideNodes(schedule);
    const std::vector<size_t> places = PlaceOfNodes(schedule, count);
    for (size_t i = 0; i < count; ++i) {
      CHECK((places[i] == schedule.size()) == (microseconds[i] == 0));
    }
    CHECK(schedule.front().node == Place::kNoNode);
    CHECK(schedule.back().node == Place::kNoNode);
    REQUIRE(Keeps(schedule, dependencies, places));
    std::vector<bool> awaited(schedule.size());
    for (size_t i = 0; i < schedule.size(); ++i) {
      for (size_t k = 0; k < schedule[i].waits_for.size(); ++k) {
        awaited[schedule[i].waits_for[k]] = true;
        std::vector<Place> fewer = schedule;
        fewer[i].waits_for.erase(fewer[i].waits_for.begin() + static_cast<ptrdiff_t>(k));
        CHECK_FALSE(Keeps(fewer, dependencies, places));
      }
    }
    for (size_t i = 0; i < schedule.size(); ++i) CHECK(schedule[i].awaited == awaited[i]);
  }
  CHECK(side_nodes > 100);
}

TEST_CASE("Gradients of weights move aside on the way back", "[emulator][schedule]") {
  // 0 -> 1 -> 2 -> 3 is the way back, 4 and 5 hang on it, 6 is the update.
  const Edges dependencies{{}, {0}, {1}, {2}, {0}, {1}, {5, 4, 3}};
  const std::vector<Place> schedule = MakeSchedule(dependencies, {5, 9, 9, 9, 9, 9, 5});
  for (const Place& place : schedule) {
    CHECK(place.lane == (place.node == 4 || place.node == 5 ? 1 : 0));
  }
}

TEST_CASE("Nodes that would gain less than a wait costs stay in the plan's order",
          "[emulator][schedule]") {
  const std::vector<Place> schedule = MakeSchedule({{}, {}, {}, {1}, {3, 0}}, {2, 2, 0, 2, 2});
  std::vector<size_t> order;
  for (const Place& place : schedule) {
    CHECK(place.lane == 0);
    CHECK(place.waits_for.empty());
    if (place.node != Place::kNoNode) order.push_back(place.node);
  }
  CHECK(order == std::vector<size_t>{0, 1, 3, 4});
}

TEST_CASE("Estimates are bound by traffic or by arithmetic", "[emulator][schedule]") {
  const double launch = EstimatedMicroseconds({}, Precision::kFp32);
  CHECK(launch > 0);
  const Cost moves{4000000, 4000000, 1000}, computes{1000, 1000, int64_t{6000000000}};
  CHECK(EstimatedMicroseconds(moves, Precision::kBf16) - launch == Approx(2));
  CHECK(EstimatedMicroseconds(computes, Precision::kFp32) - launch == Approx(100));
  CHECK(EstimatedMicroseconds(computes, Precision::kBf16) <
        EstimatedMicroseconds(computes, Precision::kTf32));
}

}  // namespace numeral::cuda
