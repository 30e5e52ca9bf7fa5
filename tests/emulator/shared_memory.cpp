#include "tests/emulator/shared_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "tests/emulator/kernel.h"
#include "tests/emulator/sanitizer.h"

namespace numeral::emulator {
namespace {

constexpr size_t kGap = 64;  // bytes after each variable that must stay 0xFF
constexpr size_t kStaticArena = 128 << 10;
constexpr size_t kDynamicArena = 256 << 10;

bool Untouched(const std::byte* bytes, size_t count) {
  return std::all_of(bytes, bytes + count, [](std::byte b) { return b == std::byte{0xFF}; });
}

}  // namespace

SharedMemory::SharedMemory() {
  void* pages = mmap(nullptr, kStaticArena + kDynamicArena, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(pages);
  // simt.h promises an alignment of 32 bytes, so there is none beyond that.
  dynamic_ = memory_ + kStaticArena + 32;
  std::memset(memory_, 0xFF, kStaticArena + kDynamicArena);
}

SharedMemory::~SharedMemory() { munmap(memory_, kStaticArena + kDynamicArena); }

std::byte* SharedMemory::end() const { return memory_ + kStaticArena + kDynamicArena; }

void SharedMemory::BeginBlock(size_t dynamic_bytes) {
  ++block_serial_;
  Unpoison(memory_, kStaticArena + kDynamicArena);
  std::memset(memory_, 0xFF, next_);
  std::memset(dynamic_, 0xFF, std::max(dynamic_bytes, dynamic_bytes_) + kGap);
  Poison(memory_, kStaticArena + kDynamicArena);
  Unpoison(dynamic_, dynamic_bytes);
  dynamic_bytes_ = dynamic_bytes;
  static_bytes_ = next_ = 0;
  variables_.clear();
}

void* SharedMemory::Variable(SharedSite* site, size_t bytes, size_t alignment) {
  if (site->block_serial == block_serial_) return site->address;
  next_ = (next_ + alignment - 1) / alignment * alignment;
  static_bytes_ = (static_bytes_ + alignment - 1) / alignment * alignment + bytes;
  if (static_bytes_ > kStaticLimit || static_bytes_ + dynamic_bytes_ > kOptInLimit) {
    throw Failure("shared variables of " + std::to_string(static_bytes_) + " bytes and " +
                  std::to_string(dynamic_bytes_) +
                  " dynamic bytes: the limits are 48 KiB of variables and 227 KiB in all");
  }
  site->block_serial = block_serial_;
  site->address = memory_ + next_;
  variables_.push_back({memory_ + next_, bytes});
  Unpoison(site->address, bytes);
  next_ += bytes + kGap;
  return site->address;
}

void SharedMemory::CheckEnds() const {
  for (const Span& variable : variables_) {
    if (!Untouched(variable.begin + variable.bytes, kGap)) {
      throw Failure("something was written past the end of a shared variable of " +
                    std::to_string(variable.bytes) + " bytes");
    }
  }
  if (!Untouched(dynamic_ + dynamic_bytes_, kGap)) {
    throw Failure("something was written past the end of the dynamic shared memory of " +
                  std::to_string(dynamic_bytes_) + " bytes");
  }
}

SharedMemory& Shared() {
  static SharedMemory memory;
  return memory;
}

void* SharedVariable(SharedSite* site, size_t bytes, size_t alignment) {
  return Shared().Variable(site, bytes, alignment);
}

void* DynamicSharedMemory() { return Shared().dynamic(); }

}  // namespace numeral::emulator
