#include "data/npy.h"

#include <bit>
#include <cctype>
#include <cstring>
#include <string_view>

#include "util/error.h"
#include "util/files.h"

namespace numeral {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr size_t kPrefixBytes = 10;  // magic, version, length of the header
constexpr size_t kAlignment = 64;
static_assert(std::endian::native == std::endian::little);

class Header {
 public:
  Header(std::string_view text, const std::filesystem::path& file) : text_(text), file_(file) {}

  // The text behind a key, up to the end of the header.
  std::string_view Value(std::string_view key) const {
    const std::string quoted = fmt::format("'{}':", key);
    const size_t at = text_.find(quoted);
    if (at == std::string_view::npos) Refuse(fmt::format("its header has no '{}'", key));
    std::string_view rest = text_.substr(at + quoted.size());
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    return rest;
  }

  std::string Type() const {
    const std::string_view value = Value("descr");
    const size_t end = value.find('\'', 1);
    if (!value.starts_with('\'') || end == std::string_view::npos) {
      Refuse("it does not hold one array of numbers");
    }
    return std::string(value.substr(1, end - 1));
  }

  std::vector<int64_t> Shape() const {
    std::string_view value = Value("shape");
    std::vector<int64_t> shape;
    if (!value.starts_with('(')) Refuse("its shape cannot be read");
    for (value.remove_prefix(1); !value.empty() && value[0] != ')';) {
      int64_t size = 0, digits = 0;
      for (; !value.empty() && std::isdigit(static_cast<unsigned char>(value[0])) && digits < 13;
           ++digits) {
        size = size * 10 + (value[0] - '0');
        value.remove_prefix(1);
      }
      if (digits == 0 || digits > 12) Refuse("its shape cannot be read");
      shape.push_back(size);
      while (value.starts_with(',') || value.starts_with(' ')) value.remove_prefix(1);
    }
    return shape;
  }

  [[noreturn]] void Refuse(const std::string& reason) const {
    BadInput("{}: {}; one or two dimensions of float32 or float64 are wanted", file_.string(),
             reason);
  }

 private:
  std::string_view text_;
  const std::filesystem::path& file_;
};

template <typename Value>
std::vector<float> Convert(std::string_view bytes) {
  std::vector<float> values(bytes.size() / sizeof(Value));
  for (size_t i = 0; i < values.size(); ++i) {
    Value value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    values[i] = static_cast<float>(value);
  }
  return values;
}

}  // namespace

FloatArray ReadNpyFloats(const std::filesystem::path& file) {
  const std::string bytes = ReadFile(file);
  const std::string_view all = bytes;
  const Header unknown({}, file);
  if (all.size() < kPrefixBytes || !all.starts_with(kMagic)) unknown.Refuse("it is no .npy file");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(all[i])); };
  // Later versions count the header's bytes with four bytes in place of two.
  const bool later = byte(6) > 1;
  const size_t begin = later ? kPrefixBytes + 2 : kPrefixBytes;
  if (all.size() < begin) unknown.Refuse("it ends inside its header");
  size_t length = byte(8) | byte(9) << 8;
  if (later) length |= byte(10) << 16 | byte(11) << 24;
  if (all.size() - begin < length) unknown.Refuse("it ends inside its header");
  const Header header(all.substr(begin, length), file);

  FloatArray array{header.Shape(), {}};
  if (array.shape.empty() || array.shape.size() > 2) {
    header.Refuse(fmt::format("it has {} dimensions", array.shape.size()));
  }
  if (!header.Value("fortran_order").starts_with("False") && array.shape.size() > 1) {
    header.Refuse("its values are in Fortran's order");
  }
  const std::string type = header.Type();
  if (type != "<f4" && type != "<f8") header.Refuse(fmt::format("its type is '{}'", type));
  const std::string_view data = all.substr(begin + length);
  // Twelve digits at most twice, and the eight bytes of a value, fit into 128 bits.
  unsigned __int128 wanted = type == "<f4" ? sizeof(float) : sizeof(double);
  for (const int64_t size : array.shape) wanted *= static_cast<uint64_t>(size);
  if (wanted != data.size()) {
    header.Refuse(fmt::format("its shape does not match its {} bytes of data", data.size()));
  }
  array.values = type == "<f4" ? Convert<float>(data) : Convert<double>(data);
  return array;
}

std::string NpyHeader(const std::string& type, std::initializer_list<int64_t> shape) {
  std::string sizes;
  for (const int64_t size : shape) sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", size);
  if (shape.size() == 1) sizes += ",";
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, sizes);
  const size_t used = kPrefixBytes + text.size() + 1;
  text.append((kAlignment - used % kAlignment) % kAlignment, ' ');
  text += '\n';
  std::string bytes(kMagic);
  for (const size_t byte : {size_t{1}, size_t{0}, text.size() & 0xff, text.size() >> 8}) {
    bytes += static_cast<char>(byte);
  }
  return bytes + text;
}

std::string ToNpy(std::span<const uint8_t> values, std::initializer_list<int64_t> shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  NUMERAL_CHECK(count == static_cast<int64_t>(values.size()));
  return NpyHeader("|u1", shape)
      .append(reinterpret_cast<const char*>(values.data()), values.size());
}

}  // namespace numeral
