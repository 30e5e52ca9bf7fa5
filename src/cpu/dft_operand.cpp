#include "cpu/dft_operand.h"

#include <omp.h>

#include <algorithm>

#include "cpu/vector.h"
#include "util/error.h"

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
                    workspace.Bind(library.a, nullptr),
                    workspace.Bind(library.b, nullptr),
                    workspace.Bind(library.result, nullptr),
                    {}};
  prepared.primitive = BoundPrimitive(
      library.primitive, {{DNNL_ARG_SRC, prepared.a},
                          {DNNL_ARG_WEIGHTS, prepared.b},
                          {DNNL_ARG_DST, prepared.result},
                          {DNNL_ARG_SCRATCHPAD, workspace.SecondScratch(library.scratch)}});
  ++workspace.counters().primitives;
  prepared_.push_back(std::move(prepared));
}

void PlaneProducts::Run(const PlaneProduct& product, Workspace& workspace) const {
  if (a_->type() == DType::kF32) {
    const auto plane = [](const PlaneStack& stack, int i) {
      return reinterpret_cast<float*>(stack.data()) + i * stack.plane_elems();
    };
#pragma omp parallel for schedule(static)
    for (int i = 0; i < planes_; ++i) {
      Gemm(product.transpose_a, product.m, product.n, product.k, plane(*a_, i), plane(*b_, i),
           product.add ? 1 : 0, plane(*result_, i));
    }
    return;
  }
  const auto found = std::find_if(prepared_.begin(), prepared_.end(),
                                  [&](const Prepared& other) { return other.product == product; });
  NUMERAL_CHECK(found != prepared_.end());
  found->a.set_data_handle(a_->data());
  found->b.set_data_handle(b_->data());
  found->result.set_data_handle(result_->data());
  found->primitive.Run(workspace.stream());
}

}  // namespace numeral::cpu::dft
