#include "cpu/dft_conv.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <type_traits>

#include "cpu/dft_operand.h"
#include "util/threads.h"

namespace numeral::cpu {
namespace {

using namespace dft;

// Equal parts of `count`, each at most about `limit` and a multiple of `grain`, or all.
int PartOf(int count, int64_t limit, int grain) {
  const int64_t parts = (count + limit - 1) / std::max<int64_t>(limit, 1);
  const auto part = static_cast<int>((count + parts - 1) / parts);
  return std::min(count, (part + grain - 1) / grain * grain);
}

// body(first, count).
template <typename Body>
void ForEachPart(int count, int part, const Body& body) {
  for (int first = 0; first < count; first += part) body(first, std::min(part, count - first));
}

// Rows and columns of a convolution, and the circles for them.
struct Axes {
  explicit Axes(const ConvGeometry& g)
      : rows{g.h, g.r, g.p, g.stride_h, g.pad_top},
        columns{g.w, g.s, g.q, g.stride_w, g.pad_left},
        torus{CircleLength(rows.PhaseSpan()), CircleLength(columns.PhaseSpan())} {}

  PlaneStack MakeStack(Operand operand, const Grid& grid,
                       PlaneStack::Order order = PlaneStack::Order::kItemFirst) const {
    std::vector<Place> places;
    if (operand == Operand::kFeatures) {
      places.push_back(PlaceOf(grid, {0, grid.rows, 0}, {0, grid.columns, 0}, 1, 1));
    } else {
      const auto positions = operand == Operand::kImage ? ImagePositions : KernelPositions;
      for (int a = 0; a < rows.stride; ++a) {
        for (int b = 0; b < columns.stride; ++b) {
          places.push_back(PlaceOf(grid, positions(rows, a), positions(columns, b), rows.stride,
                                   columns.stride));
        }
      }
    }
    return {Transform(operand, torus, rows.PhaseSpan(), columns.PhaseSpan()), places, grid, order};
  }

  Axis rows, columns;
  Torus torus;
};

// One pass of a convolution. T: what activations, and with them all planes but the result's, are
// stored as.
template <typename T>
class DftConv {
 public:
  DftConv(ConvDirection direction, const ConvGeometry& g, Workspace& workspace,
          const DftOptions& options)
      : direction_(direction),
        g_(g),
        workspace_(workspace),
        axes_(g),
        planes_(axes_.torus.PlaneCount()),
        image_(axes_.MakeStack(Operand::kImage, {g.h, g.w, g.c})),
        weight_(MakeWeightStack()),
        features_(axes_.MakeStack(Operand::kFeatures, {g.p, g.q, g.k})),
        products_(planes_, Operands()[0], Operands()[1], Operands()[2], options.own_products) {
    const int64_t most = options.max_plane_bytes / static_cast<int64_t>(sizeof(float)) / planes_;
    filters_ = PartOf(g.k, most / image_.Columns(g.c), GroupChannels());
    images_ = PartOf(g.n, most / (image_.Columns(g.c) + filters_), 1);
    const auto type = [&](ConvDirection result_of) {
      const bool floats = std::is_same_v<T, float> || direction == result_of;
      return floats ? DType::kF32 : DType::kBF16;
    };
    image_.SetSize(images_, g.c, type(ConvDirection::kBackwardData));
    weight_.SetSize(filters_, g.c, type(ConvDirection::kBackwardWeight));  // or transposed
    features_.SetSize(images_, filters_, type(ConvDirection::kForward));
    PrepareProducts();
    PrepareMemory();
  }
  DftConv(const DftConv&) = delete;  // the products know the operands' addresses

  // Before the first run: the input that every run is given, whose planes other ops may need too.
  void ShareImage(const T* image) {
    image_is_there_ = Share(Operand::kImage, image, g_.n * ImageElems(), image_);
  }
  void ShareFeatures(const T* features) {
    features_are_there_ = Share(Operand::kFeatures, features, g_.n * FeaturesElems(), features_);
  }

  void Forward(const T* image, const float* weight, T* features) {
    const float* by_channel = WeightByChannel(weight);
    ForEachPart(g_.k, filters_, [&](int k, int filters) {
      weight_.Fill(by_channel + k, g_.c, filters);
      ForEachPart(g_.n, images_, [&](int n, int images) {
        FillImage(image, n, images, k == 0);
        products_.Run(ProductOf(images, filters, false), workspace_);
        features_.Empty(features + n * FeaturesElems() + k, images, filters, false);
      });
    });
  }

  void BackwardData(const T* features, const float* weight, T* image) {
    ForEachPart(g_.n, images_, [&](int n, int images) {
      ForEachPart(g_.k, filters_, [&](int k, int filters) {
        if (n == 0 || filters < g_.k) weight_.Fill(weight + k * WeightElems(), filters, g_.c);
        FillFeatures(features, n, images, k, filters);
        products_.Run(ProductOf(images, filters, k > 0), workspace_);
      });
      image_.Empty(image + n * ImageElems(), images, g_.c, false);
    });
  }

  void BackwardWeight(const T* image, const T* features, float* grad_weight, bool add) {
    ForEachPart(g_.k, filters_, [&](int k, int filters) {
      ForEachPart(g_.n, images_, [&](int n, int images) {
        FillImage(image, n, images, k == 0);
        FillFeatures(features, n, images, k, filters);
        products_.Run(ProductOf(images, filters, n > 0), workspace_);
      });
      weight_.Empty(grad_weight + k * WeightElems(), filters, g_.c, add);
    });
  }

 private:
  // Only an operand that is not worked on in parts is in planes as a whole afterwards.
  bool Share(Operand operand, const T* tensor, int64_t elems, const PlaneStack& stack) {
    if (InParts()) return false;
    return workspace_.shared_planes().Need({reinterpret_cast<const std::byte*>(tensor),
                                            elems * static_cast<int64_t>(sizeof(T)), operand, g_},
                                           stack.memory());
  }
  bool InParts() const { return images_ < g_.n || filters_ < g_.k; }

  // `anew`: whether other planes, or none, are in the place of those of the whole batch.
  void FillImage(const T* image, int n, int images, bool anew) {
    if (image_is_there_ || (!anew && images == g_.n)) return;
    image_.Fill(image + n * ImageElems(), images, g_.c);
  }
  void FillFeatures(const T* features, int n, int images, int k, int filters) {
    if (features_are_there_) return;
    features_.Fill(features + n * FeaturesElems() + k, images, filters);
  }

  // Forward, a product needs channels as its rows and filters next to each other, so channels are
  // the items there.
  PlaneStack MakeWeightStack() const {
    if (direction_ != ConvDirection::kForward) {
      return axes_.MakeStack(Operand::kWeight, {g_.r, g_.s, g_.c});
    }
    return axes_.MakeStack(Operand::kWeight, {g_.r, g_.s, g_.k}, PlaneStack::Order::kPlaceFirst);
  }
  // [k][taps][c] as [c][taps][k].
  const float* WeightByChannel(const float* weight) const {
    auto* by_channel = static_cast<float*>(weight_by_channel_.get_data_handle());
    const int taps = g_.r * g_.s, c = g_.c, k = g_.k, group = GroupChannels();
#pragma omp parallel for schedule(static)
    for (int tap = 0; tap < taps; ++tap) {
      for (int first = 0; first < k; first += group) {
        for (int channel = 0; channel < c; ++channel) {
          const float* from = weight + (int64_t{first} * taps + tap) * c + channel;
          float* to = by_channel + (int64_t{channel} * taps + tap) * k + first;
          for (int i = 0; i < group; ++i) to[i] = from[int64_t{i} * taps * c];
        }
      }
    }
    return by_channel;
  }
  int64_t WeightByChannelElems() const {
    return direction_ == ConvDirection::kForward ? g_.k * WeightElems() : 0;
  }

  // Of the products: both factors and the result.
  std::array<std::reference_wrapper<const PlaneStack>, 3> Operands() const {
    switch (direction_) {
      case ConvDirection::kForward:
        return {image_, weight_, features_};
      case ConvDirection::kBackwardData:
        return {features_, weight_, image_};
      default:
        return {features_, image_, weight_};
    }
  }
  PlaneProduct ProductOf(int images, int filters, bool add) const {
    const int channels = image_.Columns(g_.c);
    switch (direction_) {
      case ConvDirection::kForward:
        return {false, images, filters, channels, add};
      case ConvDirection::kBackwardData:
        return {false, images, channels, filters, add};
      default:
        return {true, filters, channels, images, add};
    }
  }

  // Those of all sizes of parts, the last ones' included.
  void PrepareProducts() {
    for (const int images : {images_, g_.n % images_}) {
      for (const int filters : {filters_, g_.k % filters_}) {
        for (const bool add : {false, true}) {
          if (images > 0 && filters > 0 && (InParts() || !add)) {
            products_.Prepare(ProductOf(images, filters, add), workspace_);
          }
        }
      }
    }
  }
  void PrepareMemory() {
    const int64_t scratch_elems =
        std::max({image_.ScratchElems(), weight_.ScratchElems(), features_.ScratchElems()});
    const std::vector<dnnl::memory> memories = workspace_.Scratches(
        {image_.Desc(planes_), weight_.Desc(planes_), features_.Desc(planes_),
         FlatFloats(OfferedThreads() * scratch_elems), FlatFloats(WeightByChannelElems())});
    image_.SetMemory(memories[0], memories[3]);
    weight_.SetMemory(memories[1], memories[3]);
    features_.SetMemory(memories[2], memories[3]);
    weight_by_channel_ = memories[4];
  }

  int64_t ImageElems() const { return int64_t{g_.h} * g_.w * g_.c; }
  int64_t WeightElems() const { return int64_t{g_.r} * g_.s * g_.c; }
  int64_t FeaturesElems() const { return int64_t{g_.p} * g_.q * g_.k; }

  ConvDirection direction_;
  ConvGeometry g_;
  Workspace& workspace_;
  Axes axes_;
  int planes_;
  PlaneStack image_, weight_, features_;
  dnnl::memory weight_by_channel_;
  PlaneProducts products_;
  int images_ = 0, filters_ = 0;                              // of a part
  bool image_is_there_ = false, features_are_there_ = false;  // in planes of an earlier op
};

// Nanoseconds of one core: of a multiplication with its addition, and of a channel of an item in or
// out of a plane. Fitted to the times of single convolutions (README.md); only ratios matter.
double ProductNs(DType type) { return 2 / (type == DType::kBF16 ? 200.0 : 105.0); }
constexpr double kTransformNs = 0.45;
double LibraryNs(ConvDirection direction, DType type) {
  const bool bf16 = type == DType::kBF16;
  switch (direction) {
    case ConvDirection::kForward:
      return 2 / (bf16 ? 215.0 : 102.0);
    case ConvDirection::kBackwardData:
      return 2 / (bf16 ? 175.0 : 95.0);
    default:
      return 2 / (bf16 ? 130.0 : 75.0);
  }
}
constexpr double kMinGain = 1.1;

}  // namespace

bool DftSupports(const ConvGeometry& g) {
  const int group = GroupChannels();
  return g.c % group == 0 && g.k % group == 0 && g.pad_top >= 0 && g.pad_top < g.r &&
         g.pad_left >= 0 && g.pad_left < g.s;
}

bool DftPays(ConvDirection direction, const ConvGeometry& g, DType type) {
  if (!DftSupports(g)) return false;
  const Axes axes(g);
  const double images = g.n, filters = g.k;
  const double channels = double{1} * g.stride_h * g.stride_w * g.c;
  const double of_plane =
      ProductNs(type) * images * channels * filters +
      kTransformNs * (images * channels + images * filters + filters * channels);
  const double products = static_cast<double>(axes.rows.TapCount() * axes.columns.TapCount());
  const double library_ns = LibraryNs(direction, type) * products * images * g.c * filters;
  return kMinGain * axes.torus.PlaneCount() * of_plane < library_ns;
}

template <typename T>
Kernel MakeDftForward(const ConvGeometry& geometry, const T* image, const float* weight,
                      T* features, Workspace& workspace, const DftOptions& options) {
  const auto conv =
      std::make_shared<DftConv<T>>(ConvDirection::kForward, geometry, workspace, options);
  conv->ShareImage(image);
  return [=] { conv->Forward(image, weight, features); };
}

template <typename T>
Kernel MakeDftBackwardData(const ConvGeometry& geometry, const T* features, const float* weight,
                           T* image, Workspace& workspace, const DftOptions& options) {
  const auto conv =
      std::make_shared<DftConv<T>>(ConvDirection::kBackwardData, geometry, workspace, options);
  conv->ShareFeatures(features);
  return [=] { conv->BackwardData(features, weight, image); };
}

template <typename T>
Kernel MakeDftBackwardWeight(const ConvGeometry& geometry, const T* image, const T* features,
                             float* grad_weight, GradientMode mode, Workspace& workspace,
                             const DftOptions& options) {
  const auto conv =
      std::make_shared<DftConv<T>>(ConvDirection::kBackwardWeight, geometry, workspace, options);
  conv->ShareImage(image);
  conv->ShareFeatures(features);
  const bool add = mode == GradientMode::kAccumulate;
  return [=] { conv->BackwardWeight(image, features, grad_weight, add); };
}

template Kernel MakeDftForward(const ConvGeometry&, const float*, const float*, float*, Workspace&,
                               const DftOptions&);
template Kernel MakeDftForward(const ConvGeometry&, const Bf16*, const float*, Bf16*, Workspace&,
                               const DftOptions&);
template Kernel MakeDftBackwardData(const ConvGeometry&, const float*, const float*, float*,
                                    Workspace&, const DftOptions&);
template Kernel MakeDftBackwardData(const ConvGeometry&, const Bf16*, const float*, Bf16*,
                                    Workspace&, const DftOptions&);
template Kernel MakeDftBackwardWeight(const ConvGeometry&, const float*, const float*, float*,
                                      GradientMode, Workspace&, const DftOptions&);
template Kernel MakeDftBackwardWeight(const ConvGeometry&, const Bf16*, const Bf16*, float*,
                                      GradientMode, Workspace&, const DftOptions&);

}  // namespace numeral::cpu
