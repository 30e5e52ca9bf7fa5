#include "checkpoint/safetensors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/catch.h"
#include "tests/checkpoint/safetensors_bytes.h"
#include "tests/util/expect_error.h"
#include "tests/util/temp_folder.h"
#include "util/files.h"

namespace numeral {
namespace {

template <typename T>
SafeTensor Tensor(std::string name, std::vector<int64_t> shape, std::vector<T> values) {
  return MakeSafeTensor<T>(std::move(name), std::move(shape), values);
}

SafeTensors EveryType() {
  SafeTensors file;
  file.metadata = {{"format", "pt"}, {"quote", "a \"b\"\n\xc3\xa9"}};
  file.tensors = {Tensor<uint8_t>("bytes", {3}, {1, 2, 255}),
                  Tensor<float>("w", {2, 2}, {0.5f, -1.0f, 3e38f, -0.0f}),
                  Tensor<double>("d", {1}, {1e300}),
                  Tensor<int32_t>("i", {2}, {-1, 7}),
                  Tensor<int64_t>("steps", {}, {int64_t{1} << 40}),
                  Tensor<float>("empty", {0, 4}, {})};
  return file;
}

TEST_CASE("a file is written byte for byte as the format says", "[safetensors]") {
  SafeTensors file;
  file.metadata = {{"format", "pt"}};
  file.tensors = {Tensor<float>("b", {1, 2}, {1.0f, -2.0f}), Tensor<float>("a", {}, {0.5f})};
  const std::string header = R"({"__metadata__":{"format":"pt"},)"
                             R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                             R"("b":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}})";
  REQUIRE(header.size() == 140);
  const std::string expected = std::string("\x90\0\0\0\0\0\0\0", 8) + header + "    " +
                               std::string("\x00\x00\x00\x3f\x00\x00\x80\x3f\x00\x00\x00\xc0", 12);
  CHECK(SerializeSafeTensors(file) == expected);
}

TEST_CASE("a file of the reference implementation is read", "[safetensors]") {
  // The example of its documentation: an unpadded header, as older releases wrote it.
  const std::string bytes = std::string("<\0\0\0\0\0\0\0", 8) +
                            R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})" +
                            std::string(16, '\0');
  const SafeTensors file = ParseSafeTensors(bytes, "x.bin");
  CHECK(file.metadata.empty());
  REQUIRE(file.tensors.size() == 1);
  CHECK(file.tensors[0].shape == std::vector<int64_t>{2, 2});
  CHECK(ValuesOf<int32_t>(*file.Find("test")) == std::vector<int32_t>{0, 0, 0, 0});
  CHECK(file.Find("tes") == nullptr);
}

TEST_CASE("what was written is read back", "[safetensors]") {
  TempFolder folder;
  const auto path = folder.path() / "a.bin";
  const SafeTensors file = EveryType();
  WriteSafeTensors(path, file);
  const SafeTensors back = ReadSafeTensors(path);
  CHECK(back.metadata == file.metadata);
  REQUIRE(back.tensors.size() == file.tensors.size());
  for (const SafeTensor& tensor : file.tensors) {
    const SafeTensor* found = back.Find(tensor.name);
    REQUIRE(found != nullptr);
    CHECK(found->type == tensor.type);
    CHECK(found->shape == tensor.shape);
    CHECK(found->bytes == tensor.bytes);
  }
  CHECK(ValuesOf<double>(*back.Find("d")) == std::vector<double>{1e300});
  CHECK(std::signbit(ValuesOf<float>(*back.Find("w"))[3]));
}

TEST_CASE("the same content gives the same bytes, wide elements first", "[safetensors]") {
  SafeTensors file = EveryType();
  const std::string bytes = SerializeSafeTensors(file);
  std::reverse(file.tensors.begin(), file.tensors.end());
  CHECK(SerializeSafeTensors(file) == bytes);

  std::vector<std::string> names;
  for (const SafeTensor& tensor : ParseSafeTensors(bytes, "x").tensors)
    names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"steps", "d", "empty", "w", "i", "bytes"});
}

TEST_CASE("a file without tensors is a file", "[safetensors]") {
  const std::string bytes = SerializeSafeTensors({});
  CHECK(bytes == std::string("\x08\0\0\0\0\0\0\0", 8) + "{}      ");
  CHECK(ParseSafeTensors(bytes, "x").tensors.empty());
}

TEST_CASE("a file cut off anywhere is refused", "[safetensors]") {
  const std::string bytes = SerializeSafeTensors(EveryType());
  for (size_t length = 0; length < bytes.size(); ++length) {
    INFO("length " << length);
    const std::string message = MessageOf(
        ErrorKind::kBadInput, [&] { ParseSafeTensors(bytes.substr(0, length), "cut.bin"); });
    CHECK(message.starts_with("cut.bin: "));
  }
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ParseSafeTensors(bytes + "x", "long.bin"); }),
                {"long.bin", "goes on after its last tensor", std::to_string(bytes.size())});
}

TEST_CASE("any changed byte is read or refused, nothing else", "[safetensors]") {
  const std::string good = SerializeSafeTensors(EveryType());
  int refused = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (const char value : {'\0', '\xff', '"', '}', '9', '-', ' '}) {
      std::string bytes = good;
      bytes[at] = value;
      try {
        ParseSafeTensors(bytes, "x");
      } catch (const Error& error) {
        REQUIRE(error.kind() == ErrorKind::kBadInput);
        ++refused;
      }
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("hostile files are refused with file and place", "[safetensors]") {
  struct Case {
    std::string bytes;
    std::vector<std::string> parts;
  };
  const std::string huge(8, '\xff');
  const auto one = [](const std::string& entry) {
    return SafeTensorsBytes(R"({"w":)" + entry + "}", 8);
  };
  const Case hostile = GENERATE_COPY(values<Case>({
      {"", {"ends after 0 bytes"}},
      {huge + "{}", {"18446744073709551615", "no safetensors file"}},
      {LengthBytes(100'000'001) + "{}", {"100000001"}},
      {LengthBytes(99'999'999) + "{}", {"byte 100000007", "ends at byte 10"}},
      {LengthBytes(0) + "{}", {"byte 8", "'{'"}},
      {SafeTensorsBytes("[]", 0), {"byte 8", "'{'"}},
      {SafeTensorsBytes("\xef\xbb\xbf{}", 0), {"byte 8", "'{'"}},
      {SafeTensorsBytes("{", 0), {"header at byte 8", "line 1", "column"}},
      {SafeTensorsBytes("{} x", 0), {"line 1", "column"}},
      {SafeTensorsBytes("{\"\xff\":1}", 0), {"line 1"}},
      {SafeTensorsBytes("{\"a\":" + std::string(100'000, '['), 0), {"nested"}},
      {SafeTensorsBytes(R"({"a":{},"a":{}})", 0), {"/a", "twice"}},
      {SafeTensorsBytes(R"({"__metadata__":[]})", 0), {"__metadata__"}},
      {SafeTensorsBytes(R"({"__metadata__":{"k":1}})", 0), {"\"k\""}},
      {one("3"), {"tensor \"w\"", "no object"}},
      {one(R"({"shape":[2],"data_offsets":[0,8]})"), {"no \"dtype\""}},
      {one(R"({"dtype":"F32","data_offsets":[0,8]})"), {"no \"shape\""}},
      {one(R"({"dtype":"F32","shape":[2]})"), {"no \"data_offsets\""}},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0})"), {"unknown key \"x\""}},
      {one(R"({"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]})"), {"twice"}},
      {one(R"({"dtype":"BF16","shape":[4],"data_offsets":[0,8]})"), {"\"w\"", "BF16", "F32"}},
      {one(R"({"dtype":7,"shape":[2],"data_offsets":[0,8]})"), {"dtype"}},
      {one(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})"), {"shape"}},
      {one(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), {"shape"}},
      {one(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), {"shape"}},
      {one(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})"), {"shape"}},
      {one(R"({"dtype":"F32","shape":[true],"data_offsets":[0,8]})"), {"shape"}},
      {one(R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]})"), {"shape"}},
      {one(R"({"dtype":"F32","shape":[99999999999999999999999],"data_offsets":[0,8]})"), {"shape"}},
      // 2^31 * 2^31 * 4 wraps around to 0, and 2^62 * 2 + 2 to 2.
      {one(R"({"dtype":"F32","shape":[2147483648,2147483648],"data_offsets":[0,0]})"),
       {"too large"}},
      {one(R"({"dtype":"F32","shape":[4611686018427387904,2],"data_offsets":[0,8]})"),
       {"[4611686018427387904, 2]", "too large"}},
      {one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
       {"[3]", "12 bytes", "give it 8"}},
      {one(R"({"dtype":"F64","shape":[],"data_offsets":[0,4]})"), {"8 bytes", "give it 4"}},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})"), {"data_offsets"}},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})"), {"data_offsets"}},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":{"a":0,"b":8}})"), {"data_offsets"}},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})"), {"data_offsets"}},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8.5]})"), {"data_offsets"}},
      {one(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), {"before it begins"}},
      {one(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})"),
       {"\"w\"", "should end at byte"}},
      {one(R"({"dtype":"U8","shape":[8],"data_offsets":[9223372036854775800,9223372036854775807]})"),
       {"should end at byte"}},
      {one(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"),
       {"\"w\"", "belong to no tensor"}},
      {one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), {"goes on"}},
  }));
  const std::string message =
      MessageOf(ErrorKind::kBadInput, [&] { ParseSafeTensors(hostile.bytes, "bad.bin"); });
  CHECK(message.starts_with("bad.bin: "));
  CHECK(message.find('\n') == std::string::npos);
  for (const std::string& part : hostile.parts) CheckMentions(message, {part});
}

TEST_CASE("tensors that overlap or leave a gap are refused", "[safetensors]") {
  const auto two = [](const std::string& a, const std::string& b) {
    return SafeTensorsBytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
                                R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}",
                            9);
  };
  CheckMentions(
      MessageOf(ErrorKind::kBadInput, [&] { ParseSafeTensors(two("[0,4]", "[3,7]"), "x.bin"); }),
      {"x.bin", "\"b\"", "overlaps"});
  CheckMentions(
      MessageOf(ErrorKind::kBadInput, [&] { ParseSafeTensors(two("[0,4]", "[0,4]"), "x.bin"); }),
      {"\"b\"", "overlaps"});
  CheckMentions(
      MessageOf(ErrorKind::kBadInput, [&] { ParseSafeTensors(two("[5,9]", "[0,4]"), "x.bin"); }),
      {"\"a\"", "belong to no tensor"});
}

TEST_CASE("names from a file are printed safely", "[safetensors]") {
  const std::string text = R"({"\u001b[2J\n)" + std::string(500, 'x') + R"(":1})";
  const std::string message = MessageOf(
      ErrorKind::kBadInput, [&] { ParseSafeTensors(SafeTensorsBytes(text, 0), "x.bin"); });
  CHECK(message.size() < 200);
  CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
}

TEST_CASE("content that no file can hold is not written", "[safetensors]") {
  const auto fails = [](SafeTensors file, const std::string& part) {
    CheckMentions(MessageOf(ErrorKind::kFailure, [&] { SerializeSafeTensors(file); }), {part});
  };
  fails({{}, {Tensor<float>("w", {1}, {1}), Tensor<double>("w", {1}, {1})}}, "\"w\"");
  fails({{}, {Tensor<float>("__metadata__", {1}, {1})}}, "__metadata__");
  fails({{}, {Tensor<float>("w", {3}, {1})}}, "[3]");
  fails({{}, {Tensor<float>("w", {-1, -1}, {1})}}, "[-1, -1]");
  fails({{{"k", "\xff"}}, {}}, "UTF-8");
  fails({{}, {Tensor<float>("\xff", {1}, {1})}}, "UTF-8");
}

TEST_CASE("values that are not finite are read, and found when asked", "[safetensors]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  SafeTensors file = EveryType();
  CHECK_NOTHROW(CheckFinite(file, "x.bin"));

  file.tensors.push_back(Tensor<float>("bad", {3}, {0, 1, nan}));
  file = ParseSafeTensors(SerializeSafeTensors(file), "x.bin");
  CHECK(std::isnan(ValuesOf<float>(*file.Find("bad"))[2]));
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { CheckFinite(file, "x.bin"); }),
                {"x.bin", "\"bad\"", "nan", "element 2"});

  const SafeTensors wide{{}, {Tensor<double>("wide", {2}, {-inf, 0})}};
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { CheckFinite(wide, "x.bin"); }),
                {"\"wide\"", "-inf", "element 0"});
}

TEST_CASE("a file that cannot be read is bad input", "[safetensors]") {
  TempFolder folder;
  const auto path = folder.path() / "missing.bin";
  CheckMentions(MessageOf(ErrorKind::kBadInput, [&] { ReadSafeTensors(path); }), {path.string()});
}

}  // namespace
}  // namespace numeral
