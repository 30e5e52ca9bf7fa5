#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_layout.h"
#include "config/json_text.h"

namespace numeral {
namespace {

using safetensors_detail::kLengthBytes;
using safetensors_detail::kLongestHeaderBytes;
using safetensors_detail::kMetadataKey;
using safetensors_detail::SizeBytes;

// A tensor as the header describes it. Offsets count from the start of the data.
struct Entry {
  std::string name;
  SafeType type;
  std::vector<int64_t> shape;
  uint64_t begin, end;
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  SafeTensors Read() {
    data_begin_ = kLengthBytes + ReadHeaderLength();
    ParseHeader(bytes_.substr(kLengthBytes, data_begin_ - kLengthBytes));
    CheckCoverage();
    for (Entry& entry : entries_) file_.tensors.push_back(CopyOut(entry));
    return std::move(file_);
  }

 private:
  uint64_t DataBytes() const { return bytes_.size() - data_begin_; }

  uint64_t ReadHeaderLength() const {
    if (bytes_.size() < kLengthBytes) {
      BadInput("{}: the file ends after {} bytes, within the length that opens a safetensors file",
               source_, bytes_.size());
    }
    uint64_t length = 0;
    std::memcpy(&length, bytes_.data(), kLengthBytes);
    if (length > kLongestHeaderBytes) {
      BadInput(
          "{}: bytes 0 to 7 announce a header of {} bytes, more than the {} allowed: "
          "this is no safetensors file",
          source_, length, kLongestHeaderBytes);
    }
    if (length > bytes_.size() - kLengthBytes) {
      BadInput("{}: the header should end at byte {}, but the file ends at byte {}: it was cut off",
               source_, kLengthBytes + length, bytes_.size());
    }
    return length;
  }

  void ParseHeader(std::string_view text) {
    if (!text.starts_with('{')) {
      BadInput("{}: the header at byte {} does not start with '{{': this is no safetensors file",
               source_, kLengthBytes);
    }
    const Json header =
        ParseJsonText(text, fmt::format("{}: header at byte {}", source_, kLengthBytes));
    for (const auto& [name, value] : header.items()) {
      if (name == kMetadataKey) {
        ReadMetadata(value);
      } else {
        entries_.push_back(ReadEntry(name, value));
      }
    }
  }

  void ReadMetadata(const Json& metadata) {
    if (!metadata.is_object()) BadInput("{}: {} is no object", source_, kMetadataKey);
    for (const auto& [key, value] : metadata.items()) {
      if (!value.is_string()) {
        BadInput("{}: {} holds no text under {}", source_, kMetadataKey, QuotedName(key));
      }
      file_.metadata[key] = value.get<std::string>();
    }
  }

  template <typename... Args>
  [[noreturn]] void Refuse(const std::string& name, fmt::format_string<Args...> format,
                           Args&&... args) const {
    BadInput("{}: tensor {}: {}", source_, QuotedName(name),
             fmt::format(format, std::forward<Args>(args)...));
  }

  Entry ReadEntry(const std::string& name, const Json& json) const {
    if (!json.is_object()) Refuse(name, "its entry in the header is no object");
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!json.contains(key)) Refuse(name, "its entry in the header has no \"{}\"", key);
    }
    for (const auto& [key, value] : json.items()) {
      if (key != "dtype" && key != "shape" && key != "data_offsets") {
        Refuse(name, "its entry in the header has an unknown key {}", QuotedName(key));
      }
    }
    Entry entry{name, ReadType(name, json.at("dtype")), ReadShape(name, json.at("shape")), 0, 0};
    ReadOffsets(json.at("data_offsets"), entry);
    CheckSize(entry);
    return entry;
  }

  SafeType ReadType(const std::string& name, const Json& json) const {
    if (!json.is_string()) Refuse(name, "its dtype is no text");
    const auto& text = json.get_ref<const std::string&>();
    for (const SafeType type :
         {SafeType::kU8, SafeType::kI32, SafeType::kF32, SafeType::kF64, SafeType::kI64}) {
      if (text == ToString(type)) return type;
    }
    Refuse(name, "its dtype {} is not supported (F32, F64, I64, I32 and U8 are)", QuotedName(text));
  }

  // JSON has one kind of number; only those written as plain non-negative integers count here.
  static bool IsCount(const Json& json) {
    return json.is_number_unsigned() &&
           json.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
  }

  std::vector<int64_t> ReadShape(const std::string& name, const Json& json) const {
    if (!json.is_array() || !std::all_of(json.begin(), json.end(), IsCount)) {
      Refuse(name, "its shape is no list of non-negative integers");
    }
    return json.get<std::vector<int64_t>>();
  }

  void ReadOffsets(const Json& json, Entry& entry) const {
    if (!json.is_array() || json.size() != 2 || !IsCount(json[0]) || !IsCount(json[1])) {
      Refuse(entry.name, "its data_offsets are not two non-negative integers");
    }
    entry.begin = json[0].get<uint64_t>();
    entry.end = json[1].get<uint64_t>();
    if (entry.begin > entry.end) {
      Refuse(entry.name, "its data ends before it begins (data_offsets [{}, {}])", entry.begin,
             entry.end);
    }
    if (entry.end > DataBytes()) {
      Refuse(entry.name, "its data should end at byte {}, but the file ends at byte {}",
             data_begin_ + entry.end, bytes_.size());
    }
  }

  void CheckSize(const Entry& entry) const {
    const auto expected = SizeBytes(entry.type, entry.shape);
    if (!expected) Refuse(entry.name, "its shape {} is too large", ShapeText(entry.shape));
    if (*expected != entry.end - entry.begin) {
      Refuse(entry.name, "its shape {} of {} takes {} bytes, but data_offsets give it {}",
             ShapeText(entry.shape), ToString(entry.type), *expected, entry.end - entry.begin);
    }
  }

  // Every byte of the data belongs to one tensor: nothing hides in gaps, nothing is read twice.
  void CheckCoverage() {
    std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    uint64_t covered = 0;
    for (const Entry& entry : entries_) {
      if (entry.begin < covered) {
        Refuse(entry.name, "its data at byte {} overlaps another tensor's",
               data_begin_ + entry.begin);
      }
      if (entry.begin > covered) {
        Refuse(entry.name, "bytes {} to {} before its data belong to no tensor",
               data_begin_ + covered, data_begin_ + entry.begin - 1);
      }
      covered = entry.end;
    }
    if (covered != DataBytes()) {
      BadInput("{}: the file goes on after its last tensor, which ends at byte {} of {}", source_,
               data_begin_ + covered, bytes_.size());
    }
  }

  SafeTensor CopyOut(Entry& entry) const {
    const auto data = std::as_bytes(
        std::span(bytes_).subspan(data_begin_ + entry.begin, entry.end - entry.begin));
    return {std::move(entry.name), entry.type, std::move(entry.shape), {data.begin(), data.end()}};
  }

  std::string_view bytes_;
  const std::string& source_;
  uint64_t data_begin_ = 0;
  std::vector<Entry> entries_;
  SafeTensors file_;
};

}  // namespace

SafeTensors ParseSafeTensors(std::string_view bytes, const std::string& source) {
  return Reader(bytes, source).Read();
}

}  // namespace numeral
