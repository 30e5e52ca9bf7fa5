// The plan: one immutable value that says everything an engine does in a run.
//
// A table of tensors with their place in memory, and phases: lists of ops in execution order. The
// plan compiler (compile.h) alone decides gradients, fusion, layout and buffers; an engine carries
// out ops. The unfused plan (PlanOptions::fuse == false) defines the meaning: a fused one gives the
// same numbers within the tolerances of the tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plan/ops.h"

namespace numeral {

enum class DType { kF32, kBF16, kI32, kI64, kU8 };
int64_t BytesOf(DType dtype);
// Whether it holds real numbers.
inline bool IsReal(DType dtype) { return dtype == DType::kF32 || dtype == DType::kBF16; }

// Persistent tensors keep their values between phases and can be read and written by the host. Data
// tensors do so too, and no op writes them: executables may share their memory. Transient ones live
// in one arena, from the first op of a phase that writes them to the last that reads them; their
// memory is shared.
enum class Storage { kPersistent, kData, kTransient };

struct TensorInfo {
  std::string name;  // unique: "discriminator/conv.weight", "d_step/real/conv"
  DType dtype = DType::kF32;
  Storage storage = Storage::kTransient;
  int64_t rows = 1;
  Shape shape;  // per row
  // A view shares its base's memory, from element `offset_elems` of it on. Bases are never views.
  TensorId base = kNoTensor;
  int64_t offset_elems = 0;
  int64_t offset_bytes = 0;  // into its storage's arena; 64-byte aligned unless a view

  int64_t elems() const { return rows * shape.Elems(); }
  int64_t bytes() const { return elems() * BytesOf(dtype); }
};

enum class PhaseKind {
  kPrepare,   // after the host wrote weights: refresh working copies
  kStep,      // a whole training step, D and G
  kDStep,     // the discriminator's half
  kGStep,     // the generator's half
  kSample,    // images from the latents and digits in the sample inputs
  kAccuracy,  // D in inference mode on 100 real and 100 generated images
  kClassify,  // logits and features of the images in "classify.images"
  kPredict,   // a latent predictor's answer to what is in its inputs
};

struct PhaseOp {
  Op op;
  std::string label;  // which layer and pass it came from: "real/conv_2"
};

struct Phase {
  PhaseKind kind = PhaseKind::kStep;
  int batch_size = 0;
  std::vector<PhaseOp> ops;
  std::string name() const;  // "step[256]"
};

struct Plan {
  std::vector<TensorInfo> tensors;
  std::vector<Phase> phases;
  uint64_t seed = 0;                       // key of every draw
  Precision precision = Precision::kFp32;  // of matrix arithmetic
  int64_t persistent_bytes = 0;
  int64_t data_bytes = 0;
  int64_t transient_bytes = 0;

  const TensorInfo& tensor(TensorId id) const { return tensors[static_cast<size_t>(id)]; }
  // The tensor that `id` is a view of, or itself.
  TensorId Base(TensorId id) const {
    const TensorId base = tensor(id).base;
    return base == kNoTensor ? id : base;
  }
  // kNoTensor / -1 where there is none.
  TensorId FindTensor(std::string_view name) const;
  int FindPhase(PhaseKind kind, int batch_size) const;
};

// ---- uniform access to an op's tensors
// --------------------------------------------------------------

enum class Access { kRead, kWrite, kReadWrite };
struct Operand {
  const char* name;  // "image"
  TensorId id;
  Access access;
  // A value of a network or its gradient, which may be stored as bf16 (precision.h); all of an op
  // have one type. What is not stays as it is: parameters, statistics, losses, integers.
  bool activation = false;
};
// Without kNoTensor entries; in the order of the struct.
std::vector<Operand> Operands(const Op& op);
// "conv_forward".
std::string_view OpName(const Op& op);
// The op's attributes as text, for dumps: "5x5 s2 pad 1,1,2,2 leaky_relu(0.3)".
std::string Attributes(const Op& op);
// Operand pairs (source, result) that an op may be given the same memory for.
std::vector<std::pair<TensorId, TensorId>> InPlacePairs(const Op& op);

// `trainer --dump-plan`.
std::string DumpPlan(const Plan& plan);

// Work of an op: what it must read, write and compute at least.
struct Cost {
  int64_t bytes_read = 0, bytes_written = 0, flops = 0;
};
Cost CostOf(const Plan& plan, const Op& op);

}  // namespace numeral
