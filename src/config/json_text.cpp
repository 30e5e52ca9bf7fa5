#include "config/json_text.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "config/location.h"

namespace numeral {
namespace {

using config_detail::BadValue;
using config_detail::Location;
using config_detail::Quote;

// Comparing, copying and printing values recurse: the limit keeps hostile files off the stack's
// end.
constexpr std::size_t kDeepestNesting = 64;
constexpr std::size_t kLongestReason = 200;

// "[json.exception.parse_error.101] parse error at line 2, column 5: syntax error ..." holds the
// library's own counting, which is replaced, and quotes raw bytes of the file, which are masked.
std::string Reason(std::string_view what) {
  const auto bracket = what.find("] ");
  if (bracket != std::string_view::npos) what.remove_prefix(bracket + 2);
  if (what.starts_with("parse error at line")) what.remove_prefix(what.find(": ") + 2);
  std::string reason(what.substr(0, kLongestReason));
  std::replace_if(
      reason.begin(), reason.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return reason;
}

// Receives the library's parse events and builds the value.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const std::string& source) : text_(text), source_(source) {}

  Json Take() { return std::move(root_); }

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(number_integer_t value) override { return Add(value); }
  bool number_unsigned(number_unsigned_t value) override { return Add(value); }
  bool number_float(number_float_t value, const string_t&) override { return Add(value); }
  bool string(string_t& value) override { return Add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // no JSON text holds any

  bool start_object(std::size_t) override { return Open(Json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(Json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& value) override {
    Frame& frame = frames_.back();
    if (!frame.keys.insert(value).second) {
      BadValue(Here(frames_.size() - 1) / value, "the key {} is given twice", Quote(value));
    }
    frame.key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // `position` counts the bytes read, so the last of them is where reading stopped.
    const std::size_t last = std::min(position > 0 ? position - 1 : 0, text_.size());
    const std::string_view before = text_.substr(0, last);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    BadInput("{}: line {}, column {}: {}", source_, line, last - line_start + 1,
             Reason(error.what()));
  }

 private:
  struct Frame {
    Json* node;
    std::string key;                       // objects: the key whose value comes next
    std::unordered_set<std::string> keys;  // objects: those seen
  };

  // The pointer of the value that comes next in the `depth`-th open container.
  Location Here(std::size_t depth) const {
    Location at{source_, ""};
    for (std::size_t i = 0; i < depth; ++i) {
      const Frame& frame = frames_[i];
      at = frame.node->is_array() ? at / (frame.node->size() - 1) : at / frame.key;
    }
    return at;
  }

  // Nodes stay where they are while open: only the innermost container grows.
  Json* Insert(Json value) {
    if (frames_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Frame& frame = frames_.back();
    if (frame.node->is_array()) {
      frame.node->push_back(std::move(value));
      return &frame.node->back();
    }
    // As the vector that it is: the map's own insertion searches all keys each time.
    auto& object = frame.node->get_ref<Json::object_t&>();
    object.push_back({std::move(frame.key), std::move(value)});
    frame.key = object.back().first;
    return &object.back().second;
  }

  bool Add(Json value) {
    Insert(std::move(value));
    return true;
  }

  bool Open(Json container) {
    if (frames_.size() == kDeepestNesting) {
      BadInput("{}: lists and objects are nested more than {} deep", source_, kDeepestNesting);
    }
    Json* node = Insert(std::move(container));
    frames_.push_back({node, {}, {}});
    return true;
  }

  bool Close() {
    frames_.pop_back();
    return true;
  }

  std::string_view text_;
  const std::string& source_;
  Json root_;
  std::vector<Frame> frames_;
};

}  // namespace

Json ParseJsonText(std::string_view text, const std::string& source) {
  Builder builder(text, source);
  NUMERAL_CHECK(Json::sax_parse(text, &builder));
  return builder.Take();
}

}  // namespace numeral
