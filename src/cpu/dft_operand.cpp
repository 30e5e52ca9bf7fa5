#include "cpu/dft_operand.h"

#include <omp.h>

#include <algorithm>

#include "cpu/vector.h"
#include "util/error.h"
#include "util/threads.h"

namespace numeral::cpu::dft {
namespace {

// More than a core's own caches hold, and than its part of a shared one.
constexpr size_t kLeastStreamed_bytes = 8 << 20;

}  // namespace

void PlaneStack::SetSize(int items, int channels, DType type) {
  // A little more than the items need: addresses that are equal modulo a power of two share few
  // places of a cache.
  plane_elems_ = int64_t{items} * Columns(channels) + 16;
  type_ = type;
}

dnnl::memory::desc PlaneStack::Desc(int planes) const {
  return FlatFloats(planes * plane_elems_ * static_cast<int64_t>(BytesOf(type_)) /
                    static_cast<int64_t>(sizeof(float)));
}

void PlaneStack::SetMemory(const dnnl::memory& planes, const dnnl::memory& scratch) {
  memory_ = planes;
  scratch_ = scratch;
  streams_ = planes.get_desc().get_size() >= kLeastStreamed_bytes;
}

template <typename Body>
void PlaneStack::ForEachPlace(int count, int channels, const Body& body) const {
  auto* scratches = static_cast<float*>(scratch_.get_data_handle());
  const auto places = static_cast<int>(places_.size());
#pragma omp parallel
  {
    float* scratch = scratches + omp_get_thread_num() * ScratchElems();
#pragma omp for schedule(static) nowait
    for (int item = 0; item < count; ++item) {
      for (int i = 0; i < places; ++i) {
        const auto& [window, offset] = places_[static_cast<size_t>(i)];
        const int64_t next = i + 1 < places ? places_[static_cast<size_t>(i) + 1].offset
                                            : places_[0].offset + item_elems_;
        const int64_t group =
            order_ == Order::kItemFirst ? int64_t{item} * places + i : int64_t{i} * count + item;
        body(item * item_elems_ + offset, window, group * channels, scratch, next - offset);
      }
    }
    if (streams_) FinishStreams();
  }
}

template <typename T>
void PlaneStack::Fill(const T* items, int count, int channels) {
  const auto fill = [&](auto* planes) {
    ForEachPlace(
        count, channels,
        [&](int64_t offset, const Window& window, int64_t column, float* scratch, int64_t next) {
          transform_.ToPlanes(items + offset, window, channels, planes + column, plane_elems_,
                              scratch, next, streams_);
        });
  };
  if (type_ == DType::kF32) return fill(reinterpret_cast<float*>(data()));
  fill(reinterpret_cast<Bf16*>(data()));
}

template <typename T>
void PlaneStack::Empty(T* items, int count, int channels, bool add) const {
  NUMERAL_CHECK(type_ == DType::kF32);
  const auto* planes = reinterpret_cast<const float*>(data());
  ForEachPlace(
      count, channels,
      [&](int64_t offset, const Window& window, int64_t column, float* scratch, int64_t next) {
        transform_.FromPlanes(planes + column, plane_elems_, channels, add, items + offset, window,
                              scratch, next);
      });
}

template void PlaneStack::Fill(const float*, int, int);
template void PlaneStack::Fill(const Bf16*, int, int);
template void PlaneStack::Empty(float*, int, int, bool) const;
template void PlaneStack::Empty(Bf16*, int, int, bool) const;

void PlaneProducts::Prepare(const PlaneProduct& product, Workspace& workspace) {
  if (a_->type() == DType::kF32) return;
  if (!own_) return PrepareInLibrary(product, workspace);
  const int64_t elems = OfferedThreads() * ProductScratchElems(product);
  prepared_.push_back({product, workspace.SecondScratch(FlatFloats(elems)), {}, {}, {}, {}});
}

void PlaneProducts::PrepareInLibrary(const PlaneProduct& product, Workspace& workspace) {
  ProductSpec spec;
  spec.m = product.m;
  spec.n = product.n;
  spec.k = product.k;
  spec.transpose_a = product.transpose_a;
  spec.operands = a_->type();
  spec.add = product.add;
  spec.count = planes_;
  spec.a_elems = a_->plane_elems();
  spec.b_elems = b_->plane_elems();
  spec.result_elems = result_->plane_elems();
  const LibraryProduct library = MakeProduct(workspace.engine(), spec);
  Prepared prepared{product,
                    workspace.SecondScratch(library.scratch),
                    workspace.Bind(library.a, nullptr),
                    workspace.Bind(library.b, nullptr),
                    workspace.Bind(library.result, nullptr),
                    {}};
  prepared.primitive = BoundPrimitive(library.primitive, {{DNNL_ARG_SRC, prepared.a},
                                                          {DNNL_ARG_WEIGHTS, prepared.b},
                                                          {DNNL_ARG_DST, prepared.result},
                                                          {DNNL_ARG_SCRATCHPAD, prepared.scratch}});
  ++workspace.counters().primitives;
  prepared_.push_back(std::move(prepared));
}

void PlaneProducts::Run(const PlaneProduct& product, Workspace& workspace) const {
  if (a_->type() == DType::kF32) return RunInFp32(product);
  const auto found = std::find_if(prepared_.begin(), prepared_.end(),
                                  [&](const Prepared& other) { return other.product == product; });
  NUMERAL_CHECK(found != prepared_.end());
  if (own_) return RunInBf16(*found);
  RunInLibrary(*found, workspace);
}

void PlaneProducts::RunInFp32(const PlaneProduct& product) const {
#pragma omp parallel for schedule(static)
  for (int i = 0; i < planes_; ++i) {
    Gemm(product.transpose_a, product.m, product.n, product.k, a_->Plane<float>(i),
         b_->Plane<float>(i), product.add ? 1 : 0, result_->Plane<float>(i));
  }
}

void PlaneProducts::RunInBf16(const Prepared& prepared) const {
  auto* scratches = static_cast<float*>(prepared.scratch.get_data_handle());
#pragma omp parallel
  {
    float* scratch = scratches + omp_get_thread_num() * ProductScratchElems(prepared.product);
#pragma omp for schedule(static) nowait
    for (int i = 0; i < planes_; ++i) {
      MultiplyPlane(
          prepared.product,
          {a_->Plane<Bf16>(i), b_->Plane<Bf16>(i), a_->Plane<Bf16>(i + 1), b_->Plane<Bf16>(i + 1)},
          result_->Plane<float>(i), result_->streams(), scratch);
    }
    if (result_->streams()) FinishStreams();
  }
}

void PlaneProducts::RunInLibrary(const Prepared& prepared, Workspace& workspace) const {
  dnnl::memory a = prepared.a, b = prepared.b, result = prepared.result;
  a.set_data_handle(a_->data());
  b.set_data_handle(b_->data());
  result.set_data_handle(result_->data());
  prepared.primitive.Run(workspace.stream());
}

}  // namespace numeral::cpu::dft
