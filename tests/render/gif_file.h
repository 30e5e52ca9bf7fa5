// A reader of animated GIFs for tests, by the format's specification (GIF89a) and without libgd.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "render/image.h"

namespace numeral {

struct GifFile {
  struct Frame {
    GreyImage shown;  // the whole picture at this time, red values
    int hundredths = 0;
  };
  int width = 0, height = 0;
  std::optional<int> repeats;  // 0: forever
  std::vector<Frame> frames;
};

class GifReader {
 public:
  explicit GifReader(const std::string& bytes) : bytes_(bytes) {}

  GifFile Read() {
    Demand(Take(6) == "GIF89a");
    file_.width = Short();
    file_.height = Short();
    canvas_ = {file_.width, file_.height,
               std::vector<uint8_t>(static_cast<size_t>(file_.width * file_.height))};
    const int flags = Byte();
    Take(2);  // background, aspect
    if (flags & 0x80) global_ = Palette(2 << (flags & 7));
    while (true) {
      const int block = Byte();
      if (block == 0x3b) break;
      if (block == 0x21) {
        Extension();
      } else {
        Demand(block == 0x2c);
        Picture();
      }
    }
    Demand(at_ == bytes_.size());
    return file_;
  }

 private:
  static void Demand(bool holds) {
    if (!holds) throw std::runtime_error("not a GIF");
  }
  std::string Take(size_t count) {
    Demand(at_ + count <= bytes_.size());
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  int Byte() { return static_cast<unsigned char>(Take(1)[0]); }
  int Short() {
    const int low = Byte();
    return low | Byte() << 8;
  }
  std::vector<uint8_t> Palette(int colors) {
    std::vector<uint8_t> reds;
    for (int i = 0; i < colors; ++i) reds.push_back(static_cast<uint8_t>(Take(3)[0]));
    return reds;
  }
  std::string SubBlocks() {
    std::string data;
    for (int size = Byte(); size != 0; size = Byte()) data += Take(static_cast<size_t>(size));
    return data;
  }

  void Extension() {
    const int label = Byte();
    const std::string data = SubBlocks();
    if (label == 0xf9) {
      const int flags = data.at(0);
      delay_ = static_cast<unsigned char>(data.at(1)) | static_cast<unsigned char>(data.at(2)) << 8;
      transparent_ = flags & 1 ? static_cast<unsigned char>(data.at(3)) : -1;
      Demand((flags >> 2 & 7) <= 1);  // the picture stays
    } else if (label == 0xff && data.starts_with("NETSCAPE2.0")) {
      Demand(data.size() == 14 && data[11] == 1);
      file_.repeats = static_cast<unsigned char>(data[12]) | static_cast<unsigned char>(data[13])
                                                                 << 8;
    }
  }

  void Picture() {
    const int left = Short(), top = Short(), width = Short(), height = Short();
    const int flags = Byte();
    Demand((flags & 0x40) == 0);  // no interlacing
    const std::vector<uint8_t> palette = flags & 0x80 ? Palette(2 << (flags & 7)) : global_;
    const int bits = Byte();
    const std::vector<int> indices = Decoded(SubBlocks(), bits);
    Demand(indices.size() == static_cast<size_t>(width * height));
    Demand(left + width <= file_.width && top + height <= file_.height);
    for (int i = 0; i < width * height; ++i) {
      const int index = indices[static_cast<size_t>(i)];
      if (index == transparent_) continue;
      canvas_.At(left + i % width, top + i / width) = palette.at(static_cast<size_t>(index));
    }
    file_.frames.push_back({canvas_, delay_});
    transparent_ = -1;
    delay_ = 0;
  }

  // Lempel-Ziv-Welch with codes of growing width, as GIF has it.
  static std::vector<int> Decoded(const std::string& data, int bits) {
    const int clear = 1 << bits, end = clear + 1;
    std::vector<std::vector<int>> table;
    std::vector<int> out, last;
    int width = bits + 1;
    size_t bit = 0;
    const auto reset = [&] {
      table.assign(static_cast<size_t>(end) + 1, {});
      for (int i = 0; i < clear; ++i) table[static_cast<size_t>(i)] = {i};
      width = bits + 1;
      last.clear();
    };
    reset();
    while (true) {
      int code = 0;
      for (int i = 0; i < width; ++i, ++bit) {
        Demand(bit / 8 < data.size());
        code |= (static_cast<unsigned char>(data[bit / 8]) >> (bit % 8) & 1) << i;
      }
      if (code == end) return out;
      if (code == clear) {
        reset();
        continue;
      }
      std::vector<int> entry;
      if (static_cast<size_t>(code) < table.size()) {
        entry = table[static_cast<size_t>(code)];
      } else {
        Demand(static_cast<size_t>(code) == table.size() && !last.empty());
        entry = last;
        entry.push_back(last[0]);
      }
      out.insert(out.end(), entry.begin(), entry.end());
      if (!last.empty() && table.size() < 4096) {
        last.push_back(entry[0]);
        table.push_back(last);
        if (table.size() == size_t{1} << width && width < 12) ++width;
      }
      last = entry;
    }
  }

  const std::string& bytes_;
  size_t at_ = 0;
  GifFile file_;
  GreyImage canvas_;
  std::vector<uint8_t> global_;
  int delay_ = 0, transparent_ = -1;
};

}  // namespace numeral
