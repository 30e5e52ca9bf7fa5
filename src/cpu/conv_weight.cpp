// Weight gradients of convolutions.
//
// In bf16, threads of the library that work on one gradient wait for each other at every image, by
// spinning. There each thread has a part of the batch and a gradient of its own; the gradients are
// added up in the order of the parts. Bits depend on the thread count, as the library's do.
#include "cpu/dft_conv.h"
#include "cpu/parallel.h"
#include "cpu/products.h"
#include "cpu/thin_conv.h"
#include "util/threads.h"

namespace numeral::cpu {
namespace {

constexpr int kMinPartImages = 8;

int PartsOf(const ConvGeometry& g, DType type) {
  const int threads = OfferedThreads();
  return type == DType::kBF16 && g.n >= threads * kMinPartImages ? threads : 1;
}

// Some neighbouring images of the batch.
struct Part {
  LibraryConv conv;
  const std::byte *image, *features;
};

std::vector<Part> MakeParts(const ConvBackwardWeight& op, const Binding& binding,
                            const Workspace& workspace, int count) {
  const DType type = binding.info(op.image).dtype;
  std::vector<Part> parts;
  for (int i = 0; i < count; ++i) {
    ConvGeometry g = op.geometry;
    const int64_t first = int64_t{g.n} * i / count;
    g.n = static_cast<int>(int64_t{g.n} * (i + 1) / count - first);
    const ThreadLimit threads(count > 1 ? 1 : OfferedThreads());  // of what the library makes
    parts.push_back(
        {MakeConv(workspace.engine(), ConvDirection::kBackwardWeight, g, type, false, {}),
         binding.Address(op.image) + first * g.h * g.w * g.c * BytesOf(type),
         binding.Address(op.features) + first * g.p * g.q * g.k * BytesOf(type)});
  }
  // The library might choose another layout for another number of images.
  for (const Part& part : parts) {
    if (part.conv.weight != parts[0].conv.weight) return MakeParts(op, binding, workspace, 1);
  }
  return parts;
}

std::vector<dnnl::memory::desc> DescsOf(const std::vector<Part>& parts,
                                        dnnl::memory::desc LibraryConv::*desc) {
  std::vector<dnnl::memory::desc> descs;
  for (const Part& part : parts) descs.push_back(part.conv.*desc);
  return descs;
}

// Each part's gradient into its own memory.
Kernel RunParts(const std::vector<Part>& parts, const std::vector<dnnl::memory>& gradients,
                Workspace& workspace) {
  const std::vector<dnnl::memory> scratches =
      workspace.Scratches(DescsOf(parts, &LibraryConv::scratch));
  std::vector<Kernel> runs;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    runs.push_back(
        RunPrimitive(workspace, part.conv.primitive,
                     {{DNNL_ARG_SRC, workspace.Bind(part.conv.image, part.image)},
                      {DNNL_ARG_DIFF_DST, workspace.Bind(part.conv.features, part.features)},
                      {DNNL_ARG_DIFF_WEIGHTS, gradients[i]},
                      {DNNL_ARG_SCRATCHPAD, scratches[i]}}));
  }
  if (runs.size() == 1) return runs[0];
  return [runs = std::move(runs)] {
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(runs.size()))
    for (size_t i = 0; i < runs.size(); ++i) runs[i]();
  };
}

// gradients[0] += gradients[1] + ...
void AddUp(const std::vector<dnnl::memory>& gradients) {
  constexpr int64_t kGrain = 64;
  const auto elems = static_cast<int64_t>(gradients[0].get_desc().get_size() / sizeof(float));
  const int64_t work = elems * std::ssize(gradients);
  ParallelRanges(elems, kGrain, work, [&](int64_t begin, int64_t end) {
    auto* total = static_cast<float*>(gradients[0].get_data_handle());
    for (size_t i = 1; i < gradients.size(); ++i) {
      const auto* part = static_cast<const float*>(gradients[i].get_data_handle());
#pragma omp simd
      for (int64_t k = begin; k < end; ++k) total[k] += part[k];
    }
  });
}

}  // namespace

Kernel MakeKernel(const ConvBackwardWeight& op, const Binding& binding, Workspace& workspace) {
  const ConvGeometry& g = op.geometry;
  float* grad_weight = binding.F32(op.grad_weight);
  if (ThinSupports(g)) {
    return binding.WithElement(op.image, [&]<typename T>() -> Kernel {
      return MakeThinBackwardWeight<T>(g, binding.Activation<T>(op.image),
                                       binding.Activation<T>(op.features), grad_weight, op.mode);
    });
  }
  if (DftPays(ConvDirection::kBackwardWeight, g, binding.info(op.image).dtype)) {
    return binding.WithElement(op.image, [&]<typename T>() -> Kernel {
      return MakeDftBackwardWeight<T>(g, binding.Activation<T>(op.image),
                                      binding.Activation<T>(op.features), grad_weight, op.mode,
                                      workspace);
    });
  }
  const std::vector<Part> parts =
      MakeParts(op, binding, workspace, PartsOf(g, binding.info(op.image).dtype));
  const dnnl::memory::desc plain = PlainWeight(g), packed = parts[0].conv.weight;
  const bool add = op.mode == GradientMode::kAccumulate;
  const dnnl::memory target = workspace.Bind(plain, grad_weight);
  if (parts.size() == 1 && packed == plain && !add) return RunParts(parts, {target}, workspace);
  std::vector<dnnl::memory> gradients =
      workspace.SecondScratches(DescsOf(parts, &LibraryConv::weight));
  Kernel run = RunParts(parts, gradients, workspace);
  Kernel unpack = RunPrimitive(workspace, MakeReorder(workspace.engine(), packed, plain, add),
                               {{DNNL_ARG_FROM, gradients[0]}, {DNNL_ARG_TO, target}});
  return [&workspace, run = std::move(run), gradients = std::move(gradients),
          unpack = std::move(unpack)] {
    run();
    if (gradients.size() > 1) AddUp(gradients);
    unpack();
    ++workspace.counters().reorders;
  };
}

}  // namespace numeral::cpu
