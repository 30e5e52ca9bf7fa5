// The bytes of a file in order, unpacked on the way when the file is gzip.
//
// Owns the open file and zlib's state, and a fixed buffer: memory does not depend on what the file
// says. Refuses what is not a regular file, and gzip data that is corrupt, cut off or followed by
// something else. Whether a file is gzip is decided by its first two bytes, not by its name. Called
// by the IDX reader.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace numeral {

class ByteStream {
 public:
  // Throws Error(kBadInput), as do the other functions.
  explicit ByteStream(const std::filesystem::path& file);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Fills `out` and returns its size, or less where the data ends.
  size_t Read(std::span<uint8_t> out);

  // Total bytes of a plain file; unknown for gzip, whose own length field can lie.
  std::optional<int64_t> size_bytes() const;

 private:
  bool Refill();
  size_t ReadPlain(std::span<uint8_t> out);
  size_t ReadGzip(std::span<uint8_t> out);
  void Inflate();

  struct CloseFile {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  int64_t size_bytes_ = 0;
  int64_t read_bytes_ = 0;  // taken from the file, some of them still in zlib_.next_in
  bool gzip_ = false;
  bool inside_member_ = true;  // a gzip file is one or more members end to end
  z_stream zlib_{};            // next_in, avail_in: what is left of buffer_, also for a plain file
  std::array<uint8_t, 1 << 16> buffer_;
};

}  // namespace numeral
