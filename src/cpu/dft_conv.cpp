#include "cpu/dft_conv.h"

#include <omp.h>

#include <algorithm>

#include "cpu/dft_planes.h"
#include "util/threads.h"

namespace numeral::cpu {
namespace {

using dft::Operand, dft::Span, dft::Torus, dft::Transform, dft::Window;

// Rows or columns of a convolution, taken apart by its stride: tap t meets the image at
// stride * (o + u) + phase, where t - pad = stride * u + phase.
struct Axis {
  int image, kernel, features, stride, pad;

  int FirstShift() const { return -((pad + stride - 1) / stride); }
  int LastShift() const { return (kernel - 1 - pad + kernel * stride) / stride - kernel; }
  Span PhaseSpan() const {
    return {PhaseImage(0), LastShift() - FirstShift() + 1, features, -FirstShift()};
  }
  int PhaseImage(int phase) const { return (image - phase + stride - 1) / stride; }
  // How many products there are, which are those of taps on the image.
  int64_t TapCount() const {
    int64_t count = 0;
    for (int o = 0; o < features; ++o) {
      const int first = o * stride - pad;
      count += std::max(0, std::min(kernel, image - first) - std::max(0, -first));
    }
    return count;
  }
};

// Some positions of a phase, and where the first of them lies in the whole.
struct Positions {
  int first, count, origin;
};
Positions ImagePositions(const Axis& axis, int phase) {
  return {0, std::max(0, axis.PhaseImage(phase)), phase};
}
Positions KernelPositions(const Axis& axis, int phase) {
  int first = 0, tap = axis.stride * axis.FirstShift() + phase + axis.pad;
  for (; tap < 0; tap += axis.stride) ++first;
  return {first, tap < axis.kernel ? (axis.kernel - 1 - tap) / axis.stride + 1 : 0, tap};
}

// The positions that belong to some neighbouring channels of the planes.
struct Place {
  Window window;
  int64_t offset;  // of the window's first pixel
};

struct Grid {
  int rows, columns, channels;
  int64_t elems() const { return int64_t{rows} * columns * channels; }
};

Place PlaceOf(const Grid& grid, const Positions& rows, const Positions& columns, int row_stride,
              int column_stride) {
  const int64_t row_elems = int64_t{grid.columns} * grid.channels;
  return {{rows.first, rows.count, columns.first, columns.count, row_stride * row_elems,
           int64_t{column_stride} * grid.channels},
          rows.origin * row_elems + int64_t{columns.origin} * grid.channels};
}

// An operand as planes: [plane][item][place][channel].
class Planes {
 public:
  // Items are images or filters, each a grid of pixels.
  Planes(Transform transform, std::vector<Place> places, const Grid& grid)
      : transform_(std::move(transform)), places_(std::move(places)), item_elems_(grid.elems()) {}

  int64_t ScratchElems() const { return transform_.ScratchElems(); }
  int Columns(int channels) const { return static_cast<int>(places_.size()) * channels; }
  // A little more than the items need: addresses that are equal modulo a power of two share few
  // places of a cache.
  void SetSize(int items, int channels) { plane_elems_ = int64_t{items} * Columns(channels) + 16; }
  int64_t plane_elems() const { return plane_elems_; }
  void SetMemory(const dnnl::memory& planes, const dnnl::memory& scratch) {
    memory_ = planes;
    scratch_ = scratch;
  }

  const float* Plane(int i) const { return Elems(memory_) + i * plane_elems_; }
  float* Plane(int i) { return Elems(memory_) + i * plane_elems_; }

  template <typename T>
  void Fill(const T* items, int count, int channels) {
    ForEachPlace(count, channels,
                 [&](int item, const Place& place, int64_t column, float* scratch) {
                   transform_.ToPlanes(items + item * item_elems_ + place.offset, place.window,
                                       channels, Plane(0) + column, plane_elems_, scratch);
                 });
  }
  template <typename T>
  void Empty(T* items, int count, int channels, bool add) const {
    ForEachPlace(
        count, channels, [&](int item, const Place& place, int64_t column, float* scratch) {
          transform_.FromPlanes(Plane(0) + column, plane_elems_, channels, add,
                                items + item * item_elems_ + place.offset, place.window, scratch);
        });
  }

 private:
  static float* Elems(const dnnl::memory& memory) {
    return static_cast<float*>(memory.get_data_handle());
  }

  template <typename Body>
  void ForEachPlace(int count, int channels, const Body& body) const {
#pragma omp parallel for schedule(static)
    for (int item = 0; item < count; ++item) {
      float* scratch = Elems(scratch_) + omp_get_thread_num() * ScratchElems();
      int64_t column = int64_t{item} * Columns(channels);
      for (const Place& place : places_) {
        body(item, place, column, scratch);
        column += channels;
      }
    }
  }

  Transform transform_;
  std::vector<Place> places_;
  int64_t item_elems_, plane_elems_ = 0;
  dnnl::memory memory_, scratch_;
};

// Equal parts of `count`, each at most about `limit` and a multiple of `grain`, or all.
int PartOf(int count, int64_t limit, int grain) {
  const int64_t parts = (count + limit - 1) / std::max<int64_t>(limit, 1);
  const auto part = static_cast<int>((count + parts - 1) / parts);
  return std::min(count, (part + grain - 1) / grain * grain);
}

class DftConv {
 public:
  DftConv(const ConvGeometry& g, Workspace& workspace, int64_t max_plane_bytes)
      : g_(g),
        rows_{g.h, g.r, g.p, g.stride_h, g.pad_top},
        columns_{g.w, g.s, g.q, g.stride_w, g.pad_left},
        torus_{dft::CircleLength(rows_.PhaseSpan()), dft::CircleLength(columns_.PhaseSpan())},
        planes_(torus_.PlaneCount()),
        image_(MakePlanes(Operand::kImage, {g.h, g.w, g.c})),
        weight_(MakePlanes(Operand::kWeight, {g.r, g.s, g.c})),
        features_(MakePlanes(Operand::kFeatures, {g.p, g.q, g.k})) {
    const int64_t most = max_plane_bytes / static_cast<int64_t>(sizeof(float)) / planes_;
    filters_ = PartOf(g.k, most / image_.Columns(g.c), dft::GroupChannels());
    images_ = PartOf(g.n, most / (image_.Columns(g.c) + filters_), 1);
    image_.SetSize(images_, g.c);
    weight_.SetSize(filters_, g.c);
    features_.SetSize(images_, filters_);
    const int64_t scratch_elems =
        std::max({image_.ScratchElems(), weight_.ScratchElems(), features_.ScratchElems()});
    const std::vector<dnnl::memory> memories = workspace.Scratches(
        {FlatFloats(planes_ * image_.plane_elems()), FlatFloats(planes_ * weight_.plane_elems()),
         FlatFloats(planes_ * features_.plane_elems()),
         FlatFloats(OfferedThreads() * scratch_elems)});
    image_.SetMemory(memories[0], memories[3]);
    weight_.SetMemory(memories[1], memories[3]);
    features_.SetMemory(memories[2], memories[3]);
  }

  template <typename T>
  void Forward(const T* image, const float* weight, T* features) {
    ForEachPart(g_.k, filters_, [&](int k, int filters) {
      weight_.Fill(weight + k * WeightElems(), filters, g_.c);
      ForEachPart(g_.n, images_, [&](int n, int images) {
        if (k == 0 || images < g_.n) image_.Fill(image + n * ImageElems(), images, g_.c);
        ForEachPlane([&](int i) {
          Gemm(false, true, images, filters, image_.Columns(g_.c), image_.Plane(i),
               weight_.Plane(i), 0, features_.Plane(i));
        });
        features_.Empty(features + n * FeaturesElems() + k, images, filters, false);
      });
    });
  }

  template <typename T>
  void BackwardData(const T* features, const float* weight, T* image) {
    ForEachPart(g_.n, images_, [&](int n, int images) {
      ForEachPart(g_.k, filters_, [&](int k, int filters) {
        if (n == 0 || filters < g_.k) weight_.Fill(weight + k * WeightElems(), filters, g_.c);
        features_.Fill(features + n * FeaturesElems() + k, images, filters);
        ForEachPlane([&](int i) {
          Gemm(false, false, images, image_.Columns(g_.c), filters, features_.Plane(i),
               weight_.Plane(i), k == 0 ? 0 : 1, image_.Plane(i));
        });
      });
      image_.Empty(image + n * ImageElems(), images, g_.c, false);
    });
  }

  template <typename T>
  void BackwardWeight(const T* image, const T* features, float* grad_weight, bool add) {
    ForEachPart(g_.k, filters_, [&](int k, int filters) {
      ForEachPart(g_.n, images_, [&](int n, int images) {
        if (k == 0 || images < g_.n) image_.Fill(image + n * ImageElems(), images, g_.c);
        features_.Fill(features + n * FeaturesElems() + k, images, filters);
        ForEachPlane([&](int i) {
          Gemm(true, false, filters, image_.Columns(g_.c), images, features_.Plane(i),
               image_.Plane(i), n == 0 ? 0 : 1, weight_.Plane(i));
        });
      });
      weight_.Empty(grad_weight + k * WeightElems(), filters, g_.c, add);
    });
  }

 private:
  Planes MakePlanes(Operand operand, const Grid& grid) const {
    std::vector<Place> places;
    if (operand == Operand::kFeatures) {
      places.push_back(PlaceOf(grid, {0, grid.rows, 0}, {0, grid.columns, 0}, 1, 1));
    } else {
      const auto positions = operand == Operand::kImage ? ImagePositions : KernelPositions;
      for (int a = 0; a < rows_.stride; ++a) {
        for (int b = 0; b < columns_.stride; ++b) {
          places.push_back(PlaceOf(grid, positions(rows_, a), positions(columns_, b), rows_.stride,
                                   columns_.stride));
        }
      }
    }
    return {Transform(operand, torus_, rows_.PhaseSpan(), columns_.PhaseSpan()), places, grid};
  }

  // body(first, count).
  template <typename Body>
  static void ForEachPart(int count, int part, const Body& body) {
    for (int first = 0; first < count; first += part) body(first, std::min(part, count - first));
  }
  // Each product is one thread's.
  template <typename Body>
  void ForEachPlane(const Body& body) const {
#pragma omp parallel for schedule(static)
    for (int i = 0; i < planes_; ++i) body(i);
  }

  int64_t ImageElems() const { return int64_t{g_.h} * g_.w * g_.c; }
  int64_t WeightElems() const { return int64_t{g_.r} * g_.s * g_.c; }
  int64_t FeaturesElems() const { return int64_t{g_.p} * g_.q * g_.k; }

  ConvGeometry g_;
  Axis rows_, columns_;
  Torus torus_;
  int planes_;
  Planes image_, weight_, features_;
  int images_ = 0, filters_ = 0;  // of a part
};

// Nanoseconds of one core: of a multiplication with its addition, and of a channel of an item in or
// out of a plane. Fitted to the times of single convolutions (README.md); only ratios matter.
constexpr double kProductNs = 2 / 75.0, kTransformNs = 0.6;
double LibraryNs(ConvDirection direction, DType type) {
  const bool bf16 = type == DType::kBF16;
  switch (direction) {
    case ConvDirection::kForward:
      return 2 / (bf16 ? 190.0 : 102.0);
    case ConvDirection::kBackwardData:
      return 2 / (bf16 ? 155.0 : 95.0);
    default:
      return 2 / (bf16 ? 105.0 : 75.0);
  }
}
constexpr double kMinGain = 1.1;

}  // namespace

bool DftSupports(const ConvGeometry& g) {
  const int group = dft::GroupChannels();
  return g.c % group == 0 && g.k % group == 0 && g.pad_top >= 0 && g.pad_top < g.r &&
         g.pad_left >= 0 && g.pad_left < g.s;
}

bool DftPays(ConvDirection direction, const ConvGeometry& g, DType type) {
  if (!DftSupports(g)) return false;
  const Axis rows{g.h, g.r, g.p, g.stride_h, g.pad_top};
  const Axis columns{g.w, g.s, g.q, g.stride_w, g.pad_left};
  const Torus torus{dft::CircleLength(rows.PhaseSpan()), dft::CircleLength(columns.PhaseSpan())};
  const double images = g.n, filters = g.k;
  const double channels = double{1} * g.stride_h * g.stride_w * g.c;
  const double of_plane =
      kProductNs * images * channels * filters +
      kTransformNs * (images * channels + images * filters + filters * channels);
  const double products = static_cast<double>(rows.TapCount() * columns.TapCount());
  const double library_ns = LibraryNs(direction, type) * products * images * g.c * filters;
  return kMinGain * torus.PlaneCount() * of_plane < library_ns;
}

template <typename T>
Kernel MakeDftForward(const ConvGeometry& geometry, const T* image, const float* weight,
                      T* features, Workspace& workspace, int64_t max_plane_bytes) {
  return [=, conv = DftConv(geometry, workspace, max_plane_bytes)]() mutable {
    conv.Forward(image, weight, features);
  };
}

template <typename T>
Kernel MakeDftBackwardData(const ConvGeometry& geometry, const T* features, const float* weight,
                           T* image, Workspace& workspace, int64_t max_plane_bytes) {
  return [=, conv = DftConv(geometry, workspace, max_plane_bytes)]() mutable {
    conv.BackwardData(features, weight, image);
  };
}

template <typename T>
Kernel MakeDftBackwardWeight(const ConvGeometry& geometry, const T* image, const T* features,
                             float* grad_weight, GradientMode mode, Workspace& workspace,
                             int64_t max_plane_bytes) {
  const bool add = mode == GradientMode::kAccumulate;
  return [=, conv = DftConv(geometry, workspace, max_plane_bytes)]() mutable {
    conv.BackwardWeight(image, features, grad_weight, add);
  };
}

template Kernel MakeDftForward(const ConvGeometry&, const float*, const float*, float*, Workspace&,
                               int64_t);
template Kernel MakeDftForward(const ConvGeometry&, const Bf16*, const float*, Bf16*, Workspace&,
                               int64_t);
template Kernel MakeDftBackwardData(const ConvGeometry&, const float*, const float*, float*,
                                    Workspace&, int64_t);
template Kernel MakeDftBackwardData(const ConvGeometry&, const Bf16*, const float*, Bf16*,
                                    Workspace&, int64_t);
template Kernel MakeDftBackwardWeight(const ConvGeometry&, const float*, const float*, float*,
                                      GradientMode, Workspace&, int64_t);
template Kernel MakeDftBackwardWeight(const ConvGeometry&, const Bf16*, const Bf16*, float*,
                                      GradientMode, Workspace&, int64_t);

}  // namespace numeral::cpu
