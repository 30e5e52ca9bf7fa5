#include "cpu/shared_planes.h"

#include <algorithm>

namespace numeral::cpu {

void SharedPlanes::BeginPhase() {
  for (Shared& shared : shared_) shared.valid = false;
}

bool SharedPlanes::Need(const PlaneSource& source, const dnnl::memory& memory) {
  const auto found = std::find_if(shared_.begin(), shared_.end(), [&](const Shared& shared) {
    return shared.valid && shared.source == source;
  });
  if (found == shared_.end()) {
    const auto bytes = static_cast<int64_t>(memory.get_desc().get_size());
    shared_.push_back({source, {bytes, op_, op_}, {memory}, true});
    return false;
  }
  found->lifetime.last = op_;
  found->memories.push_back(memory);
  return true;
}

void SharedPlanes::Written(const std::byte* bytes, int64_t count) {
  for (Shared& shared : shared_) {
    const auto [first, elems] = std::pair{shared.source.tensor, shared.source.bytes};
    if (bytes < first + elems && first < bytes + count) shared.valid = false;
  }
}

void SharedPlanes::Allocate(EngineCounters& counters) {
  std::erase_if(shared_, [](const Shared& shared) { return shared.memories.size() == 1; });
  if (shared_.empty()) return;
  std::vector<Lifetime*> lifetimes;
  for (Shared& shared : shared_) lifetimes.push_back(&shared.lifetime);
  memory_ = std::make_unique<Memory>(PlaceLifetimes(lifetimes, 0, 0), counters);
  for (Shared& shared : shared_) {
    for (dnnl::memory& memory : shared.memories) {
      memory.set_data_handle(memory_->data() + shared.lifetime.offset);
    }
  }
}

}  // namespace numeral::cpu
