// Discrete Fourier transforms that turn a convolution of small images into products of matrices.
//
// A convolution, its gradients included, is one trilinear form: the sum over positions of
// image[o + t - pad] * weight[t] * features[o]. In a circle of enough positions that nothing wraps
// onto anything (CircleLength), it is the sum over frequencies of three complex numbers multiplied.
// Real tensors need half of the frequencies; of a frequency's complex product, three real ones make
// the real part (Karatsuba), so that each tensor has three planes for it, or one where the
// frequency is its own conjugate:
//   image re+im, re, im;   weight re, im-re, re+im;   features re-im, -im, -re.
// Multiplied plane by plane over channels and images, which is one matrix product per plane, they
// need about 1.5 * positions products where the convolution has kernel * positions. The transforms
// are linear, and each of the three outputs of a convolution is got from its planes by the
// transform's transpose: this is exact but for rounding, as in the fast convolutions of Winograd,
// Arithmetic Complexity of Computations (1980), with factors of size one throughout.
#pragma once

#include <cstdint>
#include <vector>

namespace numeral::cpu::dft {

// Channels are handled in groups of so many.
int GroupChannels();

// One dimension of a convolution of stride 1; `pad` lies before the image.
struct Span {
  int image, kernel, features, pad;
};
// The least length of a circle on which the span's products are told apart.
int CircleLength(const Span& span);

// Lengths of the two circles.
struct Torus {
  int rows, columns;
  int PlaneCount() const;
};

enum class Operand { kImage, kWeight, kFeatures };

// Where some of an operand's positions lie in memory; the others are zero.
struct Window {
  int first_row, rows, first_column, columns;
  int64_t row_elems, pixel_elems;  // from one to the next
};

// Of one operand, between positions and planes. Channels lie next to each other in both; `channels`
// is a multiple of GroupChannels().
class Transform {
 public:
  // `span`: the rows' and the columns' one.
  Transform(Operand operand, const Torus& torus, const Span& row_span, const Span& column_span);

  // Floats that a call may use, which no other has at the same time.
  int64_t ScratchElems() const;

  // planes[i * plane_elems + channel]. `pixels` is the window's first; those of the call to come
  // begin `next_pixels` elements further on. T, P: float or Bf16. With `stream`, planes of floats
  // are stored past the caches (Stream in vector.h).
  template <typename T, typename P>
  void ToPlanes(const T* pixels, const Window& window, int channels, P* planes, int64_t plane_elems,
                float* scratch, int64_t next_pixels, bool stream) const;
  // The transpose. With `add`, onto what `pixels` hold.
  template <typename T>
  void FromPlanes(const float* planes, int64_t plane_elems, int channels, bool add, T* pixels,
                  const Window& window, float* scratch, int64_t next_pixels) const;

 private:
  // Values of the circle's functions at the positions; and the same by function.
  struct Functions {
    Functions(int circle_length, int position_count, int shift);
    int length, positions;
    std::vector<float> by_position, by_function;
  };

  // Slots are products of a function of the rows and one of the columns. A frequency has one slot
  // where it is real, two where one side's is, else four together with its mirror image.
  struct Pair {
    int cosine, sine;
  };
  struct Quad {
    int cosine_cosine, sine_sine, sine_cosine, cosine_sine;
  };

  template <Operand kOperand, bool kStream, typename P>
  void PlanesOfSlots(const float* slots, int width, P* planes, int64_t plane_elems) const;
  template <Operand kOperand>
  void SlotsOfPlanes(const float* planes, int64_t plane_elems, int width, float* slots) const;

  Operand operand_;
  Functions rows_, columns_;
  std::vector<int> real_slots_;
  std::vector<Pair> pairs_;
  std::vector<Quad> quads_;
};

}  // namespace numeral::cpu::dft
