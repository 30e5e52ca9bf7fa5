// An operand of a convolution as planes in memory, for dft_conv.cpp, and the products of planes.
#pragma once

#include <vector>

#include "cpu/dft_phases.h"
#include "cpu/plane_product.h"
#include "cpu/workspace.h"

namespace numeral::cpu::dft {

// [plane][item][place][channel], or [plane][place][item][channel]. Items are images or filters,
// each a grid of pixels.
class PlaneStack {
 public:
  enum class Order { kItemFirst, kPlaceFirst };
  PlaneStack(Transform transform, std::vector<Place> places, const Grid& grid, Order order)
      : transform_(std::move(transform)),
        places_(std::move(places)),
        item_elems_(grid.elems()),
        order_(order) {}

  // Of the planes' rows.
  int Columns(int channels) const { return static_cast<int>(places_.size()) * channels; }
  int64_t ScratchElems() const { return transform_.ScratchElems(); }

  // Of the largest part of the operand that is in planes at a time; `type`: F32 or BF16.
  void SetSize(int items, int channels, DType type);
  DType type() const { return type_; }
  int64_t plane_elems() const { return plane_elems_; }
  // Of `planes` planes.
  dnnl::memory::desc Desc(int planes) const;
  // `scratch`: floats, ScratchElems() for each thread.
  void SetMemory(const dnnl::memory& planes, const dnnl::memory& scratch);
  const dnnl::memory& memory() const { return memory_; }
  // Whether planes are stored past the caches, which are too small for them.
  bool streams() const { return streams_; }
  std::byte* data() const { return static_cast<std::byte*>(memory_.get_data_handle()); }
  // T: what type() says.
  template <typename T>
  T* Plane(int i) const {
    return reinterpret_cast<T*>(data()) + i * plane_elems_;
  }

  // T: float or Bf16.
  template <typename T>
  void Fill(const T* items, int count, int channels);
  // From planes in fp32.
  template <typename T>
  void Empty(T* items, int count, int channels, bool add) const;

 private:
  template <typename Body>
  void ForEachPlace(int count, int channels, const Body& body) const;

  Transform transform_;
  std::vector<Place> places_;
  int64_t item_elems_, plane_elems_ = 0;
  Order order_;
  DType type_ = DType::kF32;
  dnnl::memory memory_, scratch_;
  bool streams_ = false;
};

// Products of the planes of three operands: `result` in fp32, the others alike. Each plane is one
// thread's, except that the library shares out its products in bf16.
class PlaneProducts {
 public:
  // `own`: those of bf16 by MultiplyPlane, not by the library.
  PlaneProducts(int planes, const PlaneStack& a, const PlaneStack& b, const PlaneStack& result,
                bool own)
      : planes_(planes), a_(&a), b_(&b), result_(&result), own_(own) {}

  // Before the operands' memory is there.
  void Prepare(const PlaneProduct& product, Workspace& workspace);
  // A product that has been prepared.
  void Run(const PlaneProduct& product, Workspace& workspace) const;

 private:
  struct Prepared {
    PlaneProduct product;
    dnnl::memory scratch;
    dnnl::memory a, b, result;  // of the library's primitive
    BoundPrimitive primitive;
  };

  void PrepareInLibrary(const PlaneProduct& product, Workspace& workspace);
  void RunInFp32(const PlaneProduct& product) const;
  void RunInBf16(const Prepared& prepared) const;
  void RunInLibrary(const Prepared& prepared, Workspace& workspace) const;

  int planes_;
  const PlaneStack *a_, *b_, *result_;
  bool own_;
  std::vector<Prepared> prepared_;
};

}  // namespace numeral::cpu::dft
