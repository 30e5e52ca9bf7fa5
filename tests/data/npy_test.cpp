// NumPy's files: those that NumPy 1.24 wrote, byte for byte, and what they cannot be.
#include "data/npy.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/data/idx_files.h"
#include "tests/data/npy_file.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// The header as numpy.save wrote it: `text` and blanks up to `length` bytes with the line's end.
std::string Prefix(const std::string& version, size_t length, std::string text) {
  text.resize(length - 1, ' ');
  return "\x93NUMPY" + version + text + "\n";
}

// numpy.save(f, array([[1.5, -2.25, 3e-38], [inf, 0.1, -0.0]], "<f4")): 118 bytes of header.
const std::string kFloatData =
    "\x00\x00\xc0?\x00\x00\x10\xc0\xe6U#\x01\x00\x00\x80\x7f\xcd\xcc\xcc=\x00\x00\x00\x80"s;
const std::string kFloatHeader = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
const std::string kFloats = Prefix("\1\0v\0"s, 118, kFloatHeader) + kFloatData;
// numpy.save(f, array([1.0, 0.1, -1e300, 1 / 3], "<f8")).
const std::string kDoubleData =
    "\x00\x00\x00\x00\x00\x00\xf0?\x9a\x99\x99\x99\x99\x99\xb9?"
    "\x9cu\x00\x88<\xe4"
    "7\xfeUUUUUU\xd5?"s;
const std::string kDoubleHeader = "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }";
const std::string kDoubles = Prefix("\1\0v\0"s, 118, kDoubleHeader) + kDoubleData;

struct NpyFile : TempFolder {
  const fs::path file = path() / "some.npy";

  FloatArray Read(const std::string& bytes) const {
    WriteBytes(file, bytes);
    return ReadNpyFloats(file);
  }
  void Refuse(const std::string& bytes, std::initializer_list<std::string> mentions) const {
    const std::string message = MessageOf(ErrorKind::kBadInput, [&] { Read(bytes); });
    CheckMentions(message, {"some.npy", "float32 or float64"});
    CheckMentions(message, mentions);
    CHECK(message.find('\n') == std::string::npos);
  }
  // A file of version 1.0 with that header.
  void RefuseHeader(const std::string& text, std::initializer_list<std::string> mentions,
                    const std::string& data = kFloatData) const {
    Refuse(Prefix("\1\0v\0"s, 118, text) + data, mentions);
  }
};

}  // namespace

TEST_CASE("arrays that numpy wrote are read to the bit", "[npy]") {
  const NpyFile npy;
  // Version 2.0 counts the header with four bytes.
  for (const std::string& bytes :
       {kFloats, Prefix("\2\0t\0\0\0"s, 116, kFloatHeader) + kFloatData}) {
    const FloatArray array = npy.Read(bytes);
    CHECK(array.shape == std::vector<int64_t>{2, 3});
    CHECK(array.values == std::vector<float>{1.5f, -2.25f, 3e-38f,
                                             std::numeric_limits<float>::infinity(), 0.1f, -0.0f});
    CHECK(std::signbit(array.values[5]));
  }
  for (const std::string& bytes :
       {kDoubles, Prefix("\2\0t\0\0\0"s, 116, kDoubleHeader) + kDoubleData}) {
    const FloatArray array = npy.Read(bytes);
    CHECK(array.shape == std::vector<int64_t>{4});
    CHECK(array.values == std::vector<float>{1, 0.1f, -std::numeric_limits<float>::infinity(),
                                             static_cast<float>(1.0 / 3)});
  }
  // A header of more than 255 bytes; no blank is needed; nothing in a shape of nothing.
  std::string long_header = kFloatHeader;
  long_header.resize(599, ' ');
  CHECK(npy.Read("\x93NUMPY\1\0\x58\2"s + long_header + "\n" + kFloatData).values.size() == 6);
  const std::string tight = "{'shape':(1,6),'fortran_order':False,'descr':'<f4'}";
  CHECK(npy.Read("\x93NUMPY\1\0\x33\0"s + tight + kFloatData).shape == std::vector<int64_t>{1, 6});
  CHECK(npy.Read(Prefix("\1\0v\0"s, 118,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }"))
            .values.empty());
  // Fortran's order of one dimension is the same.
  CHECK(
      npy.Read(Prefix("\1\0v\0"s, 118, "{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }") +
               kFloatData)
          .values.size() == 6);
}

TEST_CASE("what is written are numpy's own bytes", "[npy]") {
  const float floats[] = {1.5f, -2.25f, 3e-38f, std::numeric_limits<float>::infinity(), 0.1f, -0.f};
  CHECK(FloatNpy(std::span(floats), {2, 3}) == kFloats);
  const uint8_t bytes[] = {3, 1, 4};
  CHECK(ToNpy(std::span(bytes), {3}) ==
        Prefix("\1\0v\0"s, 118, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }") +
            "\3\1\4");
  CHECK(NpyHeader("|u1", {60000, 28, 28}) ==
        Prefix("\1\0v\0"s, 118,
               "{'descr': '|u1', 'fortran_order': False, 'shape': (60000, 28, 28), }"));
  CHECK(NpyHeader("|u1", {12345678901}) ==
        Prefix("\1\0v\0"s, 118,
               "{'descr': '|u1', 'fortran_order': False, 'shape': (12345678901,), }"));
  CHECK(NpyHeader("<f4", {10, 100}) ==
        Prefix("\1\0v\0"s, 118, "{'descr': '<f4', 'fortran_order': False, 'shape': (10, 100), }"));
  // The values begin at a multiple of 64 bytes, after no more blanks than that takes.
  for (size_t length = 1; length < 400; ++length) {
    const std::string type(length, 'x');
    const std::string header = NpyHeader(type, {7});
    CHECK(header.size() % 64 == 0);
    CHECK(header.back() == '\n');
    CHECK(header.size() - 10 ==
          static_cast<uint8_t>(header[8]) + 256u * static_cast<uint8_t>(header[9]));
    CHECK(header.find_last_not_of(" \n") + 64 >= header.size() - 1);
  }
  MessageOf(ErrorKind::kFailure, [&] { ToNpy(std::span(bytes), {2, 2}); });
  const NpyFile npy;
  CHECK(npy.Read(FloatNpy(std::span(floats), {6})).shape == std::vector<int64_t>{6});
}

TEST_CASE("arrays of another kind are refused", "[npy]") {
  const NpyFile npy;
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ReadNpyFloats(npy.path() / "absent.npy"); }),
                {"absent.npy"});
  for (const std::string& bytes : {""s, "\x93NUM"s, "1.5\n2.5\n3.5\n"s, kFloats.substr(1)}) {
    npy.Refuse(bytes, {"no .npy file"});
  }
  for (const size_t length : {size_t{10}, size_t{11}, size_t{60}, size_t{127}}) {
    npy.Refuse(kFloats.substr(0, length), {"ends inside its header"});
  }
  npy.Refuse("\x93NUMPY\2\0\1\0"s, {"ends inside its header"});
  npy.Refuse("\x93NUMPY\2\0\xff\xff\xff\xff{'descr'"s, {"ends inside its header"});
  // numpy.save of other arrays.
  npy.RefuseHeader("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", {"Fortran"});
  npy.RefuseHeader("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", {"'>f4'"});
  npy.RefuseHeader("{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", {"'<f2'"});
  npy.RefuseHeader("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", {"'|O'"});
  npy.RefuseHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", {"0 dimensions"});
  npy.RefuseHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }",
                   {"3 dimensions"});
  npy.RefuseHeader("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
                   {"one array of numbers"});
}

TEST_CASE("headers that do not fit their data are refused", "[npy]") {
  const NpyFile npy;
  for (const char* shape : {"(2, 2)", "(7,)", "(0, 3)", "(999999999999, 999999999999)"}) {
    npy.RefuseHeader(
        fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}, }}", shape),
        {"24 bytes"});
  }
  npy.RefuseHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", {"24 bytes"});
  npy.Refuse(kFloats.substr(0, kFloats.size() - 1), {"23 bytes"});
  npy.Refuse(kFloats + "x", {"25 bytes"});
  for (const char* shape : {"2", "[2, 3]", "(two, 3)", "(-2, 3)", "(2.0, 3)", "(1000000000000, 2)",
                            "(2", "(99999999999999999999999999999999999999999999, 2)"}) {
    INFO(shape);
    npy.RefuseHeader(fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}", shape),
                     {});
  }
  npy.RefuseHeader("{'descr': '<f4', 'fortran_order': False}", {"'shape'"});
  npy.RefuseHeader("{'descr': '<f4', 'shape': (2, 3)}", {"'fortran_order'"});
  npy.RefuseHeader("{'fortran_order': False, 'shape': (2, 3)}", {"'descr'"});
}

}  // namespace numeral
