#include "tests/reference/store.h"

#include <algorithm>
#include <limits>

#include "util/error.h"

namespace numeral::reference {

namespace {

template <typename T>
std::span<T> Slice(std::vector<std::vector<T>>& tensors, const TensorInfo& info, TensorId id) {
  const TensorId owner = info.base == kNoTensor ? id : info.base;
  return std::span(tensors[static_cast<size_t>(owner)])
      .subspan(static_cast<size_t>(info.offset_elems), static_cast<size_t>(info.elems()));
}

}  // namespace

Store::Store(const Plan& plan)
    : plan_(plan), reals_(plan.tensors.size()), integers_(plan.tensors.size()) {
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    const TensorInfo& info = plan.tensors[i];
    if (info.base != kNoTensor) {
      const TensorInfo& base = plan.tensor(info.base);
      NUMERAL_CHECK(base.base == kNoTensor);
      NUMERAL_CHECK(base.dtype == info.dtype && base.storage == info.storage);
      NUMERAL_CHECK(info.offset_elems >= 0 && info.offset_elems + info.elems() <= base.elems());
      continue;
    }
    NUMERAL_CHECK(info.offset_elems == 0);
    const auto elems = static_cast<size_t>(info.elems());
    if (IsReal(info.dtype)) {
      reals_[i].resize(elems);
    } else {
      integers_[i].resize(elems);
    }
  }
  Poison(Storage::kPersistent);
  Poison(Storage::kData);
  Poison(Storage::kTransient);
}

std::span<double> Store::F32(TensorId id) {
  if (id == kNoTensor) return {};
  NUMERAL_CHECK(IsReal(info(id).dtype));
  return Slice(reals_, info(id), id);
}

std::span<int64_t> Store::Integers(TensorId id) {
  if (id == kNoTensor) return {};
  NUMERAL_CHECK(!IsReal(info(id).dtype));
  return Slice(integers_, info(id), id);
}

Images Store::AsImages(TensorId id) {
  const Shape& shape = info(id).shape;
  return {F32(id), shape.h, shape.w, shape.c};
}

int64_t Store::RunningStep(TensorId step) {
  if (step == kNoTensor) return 0;
  const int64_t begun = Integers(step)[0];
  NUMERAL_CHECK(begun >= 1);
  return begun - 1;
}

void Store::Poison(Storage storage) {
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    if (plan_.tensors[i].storage != storage) continue;
    std::fill(reals_[i].begin(), reals_[i].end(), std::numeric_limits<double>::quiet_NaN());
    std::fill(integers_[i].begin(), integers_[i].end(), kPoisonedInteger);
  }
}

}  // namespace numeral::reference
