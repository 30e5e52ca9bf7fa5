#include "plan/arena.h"

#include <algorithm>
#include <limits>
#include <map>

#include "util/error.h"

namespace numeral {
namespace {

// One buffer of a phase: one tensor or several that in-place ops pass on.
struct Buffer {
  std::vector<TensorId> tensors;
  Lifetime lifetime{0, std::numeric_limits<int>::max(), -1};
};

class PhasePlacement {
 public:
  PhasePlacement(Plan& plan, const Phase& phase, int kept_ops)
      : plan_(plan), phase_(phase), kept_ops_(kept_ops) {}

  // Places the phase's tensors from `origin` on; returns the end.
  int64_t Place(int64_t origin, bool reuse) {
    CollectLifetimes();
    if (reuse) MergeInPlace();
    int64_t end = origin;
    std::vector<Lifetime*> lifetimes;
    for (auto& [id, buffer] : buffers_) lifetimes.push_back(&buffer.lifetime);
    if (reuse) {
      end = PlaceLifetimes(lifetimes, origin, kept_ops_);
    } else {
      for (Lifetime* lifetime : lifetimes) {
        lifetime->offset = end;
        end += AlignUp(lifetime->bytes);
      }
    }
    for (const auto& [id, buffer] : buffers_) {
      for (const TensorId tensor : buffer.tensors) {
        plan_.tensors[static_cast<size_t>(tensor)].offset_bytes = buffer.lifetime.offset;
      }
    }
    return end;
  }

 private:
  void CollectLifetimes() {
    for (int i = 0; i < static_cast<int>(phase_.ops.size()); ++i) {
      for (const Operand& operand : Operands(phase_.ops[static_cast<size_t>(i)].op)) {
        if (plan_.tensor(operand.id).storage != Storage::kTransient) continue;
        const TensorId base = plan_.Base(operand.id);
        Buffer& buffer = buffers_[base];
        if (buffer.tensors.empty()) {
          buffer.tensors = {base};
          buffer.lifetime.bytes = plan_.tensor(base).bytes();
          owner_[base] = base;
        }
        buffer.lifetime.first = std::min(buffer.lifetime.first, i);
        buffer.lifetime.last = std::max(buffer.lifetime.last, i);
      }
    }
  }

  // Where an op's source dies with it and its result is born with it, both get one buffer.
  void MergeInPlace() {
    for (int i = 0; i < static_cast<int>(phase_.ops.size()); ++i) {
      for (const auto& [source, result] : InPlacePairs(phase_.ops[static_cast<size_t>(i)].op)) {
        if (source == kNoTensor || source == result) continue;
        if (!IsWholeTransient(source) || !IsWholeTransient(result)) continue;
        const TensorId from = owner_.at(source), to = owner_.at(result);
        if (from == to) continue;
        Buffer& a = buffers_.at(from);
        Buffer& b = buffers_.at(to);
        if (a.lifetime.last != i || b.lifetime.first != i) continue;
        if (a.lifetime.bytes != b.lifetime.bytes) continue;
        for (const TensorId id : b.tensors) owner_[id] = from;
        a.tensors.insert(a.tensors.end(), b.tensors.begin(), b.tensors.end());
        a.lifetime.last = b.lifetime.last;
        buffers_.erase(to);
      }
    }
  }

  bool IsWholeTransient(TensorId id) const {
    const TensorInfo& info = plan_.tensor(id);
    return info.storage == Storage::kTransient && info.base == kNoTensor;
  }

  Plan& plan_;
  const Phase& phase_;
  const int kept_ops_;
  std::map<TensorId, Buffer> buffers_;
  std::map<TensorId, TensorId> owner_;
};

// Side by side; returns the end.
int64_t PlaceAll(Plan& plan, Storage storage) {
  int64_t end = 0;
  for (TensorInfo& tensor : plan.tensors) {
    if (tensor.storage != storage || tensor.base != kNoTensor) continue;
    tensor.offset_bytes = end;
    end += AlignUp(tensor.bytes());
  }
  return end;
}

void CheckDataIsReadOnly(const Plan& plan) {
  for (const Phase& phase : plan.phases) {
    for (const PhaseOp& op : phase.ops) {
      for (const Operand& operand : Operands(op.op)) {
        NUMERAL_CHECK(plan.tensor(operand.id).storage != Storage::kData ||
                      operand.access == Access::kRead);
      }
    }
  }
}

// Those that are placed already do not overlap it there while it lives.
int64_t LowestFree(const Lifetime& lifetime, std::vector<const Lifetime*>& placed, int64_t origin,
                   int kept_ops) {
  std::sort(placed.begin(), placed.end(),
            [](const Lifetime* a, const Lifetime* b) { return a->offset < b->offset; });
  int64_t offset = origin;
  for (const Lifetime* other : placed) {
    if (other->last + kept_ops < lifetime.first || lifetime.last + kept_ops < other->first) {
      continue;
    }
    if (offset + lifetime.bytes <= other->offset) break;
    offset = std::max(offset, other->offset + AlignUp(other->bytes));
  }
  return offset;
}

}  // namespace

int64_t PlaceLifetimes(std::vector<Lifetime*> lifetimes, int64_t origin, int kept_ops) {
  std::stable_sort(lifetimes.begin(), lifetimes.end(),
                   [](const Lifetime* a, const Lifetime* b) { return a->bytes > b->bytes; });
  int64_t end = origin;
  std::vector<const Lifetime*> placed;
  for (Lifetime* lifetime : lifetimes) {
    lifetime->offset = LowestFree(*lifetime, placed, origin, kept_ops);
    end = std::max(end, lifetime->offset + AlignUp(lifetime->bytes));
    placed.push_back(lifetime);
  }
  return end;
}

void PlaceTensors(Plan& plan, bool reuse, int kept_ops) {
  CheckDataIsReadOnly(plan);
  plan.persistent_bytes = PlaceAll(plan, Storage::kPersistent);
  plan.data_bytes = PlaceAll(plan, Storage::kData);
  plan.transient_bytes = 0;
  for (const Phase& phase : plan.phases) {
    const int64_t origin = reuse ? 0 : plan.transient_bytes;
    plan.transient_bytes =
        std::max(plan.transient_bytes, PhasePlacement(plan, phase, kept_ops).Place(origin, reuse));
  }
  for (TensorInfo& tensor : plan.tensors) {
    if (tensor.base == kNoTensor) continue;
    tensor.offset_bytes =
        plan.tensor(tensor.base).offset_bytes + tensor.offset_elems * BytesOf(tensor.dtype);
  }
}

}  // namespace numeral
