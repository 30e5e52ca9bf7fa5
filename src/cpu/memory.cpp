#include "cpu/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "plan/arena.h"
#include "util/error.h"

namespace numeral::cpu {
namespace {

constexpr size_t kHugePage = 2 << 20;

}  // namespace

Memory::Memory(int64_t bytes, EngineCounters& counters) {
  const auto size = static_cast<size_t>(std::max<int64_t>(bytes, 64));
  // Beyond the machine's memory an allocation may succeed and the process die when it is touched.
  const auto machine =
      static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
  if (size > machine) {
    Fail("the CPU engine needs {} MiB and this machine has {}; lower the batch size", size >> 20,
         machine >> 20);
  }
  try {
    const size_t alignment = size < kHugePage ? size_t{kAlignment} : kHugePage;
    data_ = {static_cast<std::byte*>(::operator new[](size, std::align_val_t{alignment})),
             Free{alignment}};
    // A column of a large matrix, or one element of many planes, is in a page of its own for each
    // of its elements, more than the processor has at hand. Where the system has no such pages,
    // nothing changes.
    if (alignment == kHugePage) madvise(data_.get(), size, MADV_HUGEPAGE);
  } catch (const std::bad_alloc&) {
    Fail("the CPU engine cannot get {} MiB of memory; lower the batch size", size >> 20);
  }
  std::memset(data_.get(), 0, size);
  ++counters.allocations;
}

}  // namespace numeral::cpu
