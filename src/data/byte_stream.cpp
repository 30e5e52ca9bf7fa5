#include "data/byte_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

#include "util/error.h"

namespace numeral {

ByteStream::ByteStream(const std::filesystem::path& file) : path_(file) {
  std::error_code error;
  // Asked before opening: opening a named pipe would wait for a writer.
  const auto status = std::filesystem::status(file, error);
  if (error) BadInput("cannot read {}: {}", file.string(), error.message());
  if (!std::filesystem::is_regular_file(status)) {
    BadInput("cannot read {}: it is not a regular file", file.string());
  }
  file_.reset(std::fopen(file.c_str(), "rb"));
  if (!file_) {
    BadInput("cannot read {}: {}", file.string(), std::generic_category().message(errno));
  }
  size_bytes_ = static_cast<int64_t>(std::filesystem::file_size(file, error));
  if (error) BadInput("cannot read {}: {}", file.string(), error.message());

  Refill();
  gzip_ = zlib_.avail_in >= 2 && buffer_[0] == 0x1f && buffer_[1] == 0x8b;
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (gzip_ && inflateInit2(&zlib_, kGzipOnly) != Z_OK) Fail("zlib does not start");
}

ByteStream::~ByteStream() {
  if (gzip_) inflateEnd(&zlib_);
}

std::optional<int64_t> ByteStream::size_bytes() const {
  return gzip_ ? std::nullopt : std::optional(size_bytes_);
}

size_t ByteStream::Read(std::span<uint8_t> out) { return gzip_ ? ReadGzip(out) : ReadPlain(out); }

// Returns false at the end of the file.
bool ByteStream::Refill() {
  const size_t got = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  if (got == 0 && std::ferror(file_.get())) {
    BadInput("cannot read {} at byte {}: {}", path_.string(), read_bytes_,
             std::generic_category().message(errno));
  }
  read_bytes_ += static_cast<int64_t>(got);
  zlib_.next_in = buffer_.data();
  zlib_.avail_in = static_cast<uInt>(got);
  return got > 0;
}

size_t ByteStream::ReadPlain(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size() && (zlib_.avail_in > 0 || Refill())) {
    const size_t n = std::min<size_t>(zlib_.avail_in, out.size() - done);
    std::memcpy(out.data() + done, zlib_.next_in, n);
    zlib_.next_in += n;
    zlib_.avail_in -= static_cast<uInt>(n);
    done += n;
  }
  return done;
}

size_t ByteStream::ReadGzip(std::span<uint8_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    if (zlib_.avail_in == 0 && !Refill()) {
      if (!inside_member_) return done;
      BadInput("{}: the gzip data is cut off at byte {}; fetch the file again", path_.string(),
               read_bytes_);
    }
    const size_t room = std::min<size_t>(out.size() - done, std::numeric_limits<uInt>::max());
    zlib_.next_out = out.data() + done;
    zlib_.avail_out = static_cast<uInt>(room);
    Inflate();
    done += room - zlib_.avail_out;
  }
  return done;
}

// One call of inflate(); anything after the end of a member must be another member.
void ByteStream::Inflate() {
  if (!inside_member_) {
    inflateReset(&zlib_);
    inside_member_ = true;
  }
  const int code = inflate(&zlib_, Z_NO_FLUSH);
  if (code == Z_STREAM_END) {
    inside_member_ = false;
  } else if (code != Z_OK && code != Z_BUF_ERROR) {
    BadInput("{}: corrupt gzip data near byte {}: {}; fetch the file again", path_.string(),
             read_bytes_ - zlib_.avail_in, zlib_.msg != nullptr ? zlib_.msg : zError(code));
  }
}

}  // namespace numeral
