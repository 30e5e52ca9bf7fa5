#include "plan/builder.h"

#include "plan/arena.h"
#include "plan/precision.h"
#include "util/error.h"
#include "util/random.h"

namespace numeral {

TensorId PlanBuilder::Add(TensorInfo info) {
  const auto id = static_cast<TensorId>(plan_.tensors.size());
  if (!names_.emplace(info.name, id).second) {
    Fail("internal error: two tensors of the plan are called \"{}\"", info.name);
  }
  plan_.tensors.push_back(std::move(info));
  return id;
}

TensorId PlanBuilder::Transient(std::string name, int64_t rows, Shape shape, DType dtype) {
  return Add({.name = std::move(name), .dtype = dtype, .rows = rows, .shape = shape});
}

TensorId PlanBuilder::Persistent(std::string name, int64_t rows, Shape shape, DType dtype) {
  return Add({.name = std::move(name),
              .dtype = dtype,
              .storage = Storage::kPersistent,
              .rows = rows,
              .shape = shape});
}

TensorId PlanBuilder::Data(std::string name, int64_t rows, Shape shape, DType dtype) {
  return Add({.name = std::move(name),
              .dtype = dtype,
              .storage = Storage::kData,
              .rows = rows,
              .shape = shape});
}

TensorId PlanBuilder::View(std::string name, TensorId base, int64_t offset_elems, int64_t rows,
                           Shape shape) {
  const TensorInfo& of = info(base);
  NUMERAL_CHECK(offset_elems >= 0 && offset_elems + rows * shape.Elems() <= of.elems());
  return Add({.name = std::move(name),
              .dtype = of.dtype,
              .storage = of.storage,
              .rows = rows,
              .shape = shape,
              .base = of.base == kNoTensor ? base : of.base,
              .offset_elems = of.offset_elems + offset_elems});
}

TensorId PlanBuilder::Rows(TensorId tensor, int64_t first_row, int64_t rows) {
  const TensorInfo& of = info(tensor);
  if (first_row == 0 && rows == of.rows) return tensor;
  std::string name = fmt::format("{}[{}:{}]", of.name, first_row, first_row + rows);
  if (const auto found = names_.find(name); found != names_.end()) return found->second;
  return View(std::move(name), tensor, first_row * of.shape.Elems(), rows, of.shape);
}

uint32_t PlanBuilder::Stream(const std::string& name) {
  const uint32_t id = StreamId(name);
  const auto [found, added] = streams_.emplace(id, name);
  if (!added && found->second != name) {
    BadInput("the random streams \"{}\" and \"{}\" collide; rename one of the layers", name,
             found->second);
  }
  return id;
}

void PlanBuilder::BeginPhase(PhaseKind kind, int batch_size) {
  plan_.phases.push_back({kind, batch_size, {}});
}

void PlanBuilder::Emit(Op op, std::string label) {
  plan_.phases.back().ops.push_back({std::move(op), std::move(label)});
}

Plan PlanBuilder::Finish(const PlanOptions& options) {
  ApplyPrecision(plan_, options.precision);
  PlaceTensors(plan_, options.reuse_memory, options.kept_ops);
  return std::move(plan_);
}

}  // namespace numeral
