// The shared memory of the block that runs.
//
// Every block finds it full of 0xFF bytes, which are NaN in every format, so that a kernel that
// reads what it has not written shows. After each variable come bytes that must stay as they are.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/emulator/simt_calls.h"

namespace numeral::emulator {

class SharedMemory {
 public:
  static constexpr size_t kStaticLimit = 48 << 10;   // bytes of variables
  static constexpr size_t kDefaultLimit = 48 << 10;  // without cudaFuncSetAttribute
  static constexpr size_t kOptInLimit = 227 << 10;   // variables and dynamic memory together

  SharedMemory();
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  void BeginBlock(size_t dynamic_bytes);
  void* Variable(SharedSite* site, size_t bytes, size_t alignment);
  std::byte* dynamic() const { return dynamic_; }
  size_t dynamic_bytes() const { return dynamic_bytes_; }

  // Throws Failure where a variable's end was overstepped.
  void CheckEnds() const;

  std::byte* begin() const { return memory_; }
  std::byte* end() const;

 private:
  struct Span {
    std::byte* begin;
    size_t bytes;
  };

  std::byte* memory_;
  std::byte* dynamic_;
  size_t dynamic_bytes_ = 0;
  size_t static_bytes_ = 0;  // used by variables
  size_t next_ = 0;          // offset of the next variable
  unsigned long long block_serial_ = 0;
  std::vector<Span> variables_;
};

SharedMemory& Shared();

}  // namespace numeral::emulator
