// Which ops keep off each other's memory, so that one launch may do them in any order.
#pragma once

#include <span>
#include <vector>

#include "cuda/engine/binding.h"

namespace numeral::cuda {

// False for kNoTensor.
bool Overlap(TensorId a, TensorId b, const Binding& binding);

// Whether `writer` writes what `user` reads or writes.
bool Disturbs(const Op& writer, const Op& user, const Binding& binding);

// Whether the ops may read what is in the tensor's memory before them.
bool IsRead(TensorId id, std::span<const PhaseOp> ops, const Binding& binding);

// Whether `next` may take the place of what it is made from: nobody else looks at that, neither
// among the ops behind both nor from outside.
bool Replaces(TensorId next, TensorId from, std::span<const PhaseOp> behind,
              const Binding& binding);

// What a launch uses, whose blocks do not wait for each other. kNoTensor is nothing.
class UsedMemory {
 public:
  void Reads(TensorId id) { Add(id, false); }
  void Writes(TensorId id) { Add(id, true); }

  // Whether what it writes overlaps with nothing else of it. A tensor named twice is one.
  bool WritesApart(const Binding& binding) const;

 private:
  struct Place {
    TensorId id;
    bool written;
  };
  void Add(TensorId id, bool written);

  std::vector<Place> places_;
};

}  // namespace numeral::cuda
