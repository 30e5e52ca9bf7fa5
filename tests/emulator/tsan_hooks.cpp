// The calls that -fsanitize=thread puts into compiled code, with the access checker behind them in
// place of the sanitizer's own library.
//
// Linked only into programs whose kernels are compiled so: elsewhere nothing refers to them.
#include <cstddef>
#include <cstdint>

#include "tests/emulator/access_checker.h"

using numeral::emulator::AccessChecker;
using numeral::emulator::TheAccessChecker;
using Kind = AccessChecker::Kind;

#define NUMERAL_HOOK(name, kind, bytes)                                                 \
  void name(void* address) {                                                            \
    TheAccessChecker().Access(Kind::kind, address, bytes, __builtin_return_address(0)); \
  }
#define NUMERAL_HOOKS(bytes)                                 \
  NUMERAL_HOOK(__tsan_read##bytes, kRead, bytes)             \
  NUMERAL_HOOK(__tsan_write##bytes, kWrite, bytes)           \
  NUMERAL_HOOK(__tsan_unaligned_read##bytes, kRead, bytes)   \
  NUMERAL_HOOK(__tsan_unaligned_write##bytes, kWrite, bytes) \
  NUMERAL_HOOK(__tsan_volatile_read##bytes, kRead, bytes)    \
  NUMERAL_HOOK(__tsan_volatile_write##bytes, kWrite, bytes)

// Atomic operations of host code, which the compiler hands over whole; kernels have atomicAdd and
// its like.
#define NUMERAL_HOST_ATOMICS(bits, type)                                                          \
  type __tsan_atomic##bits##_load(const volatile type* a, int) {                                  \
    return __atomic_load_n(a, __ATOMIC_SEQ_CST);                                                  \
  }                                                                                               \
  void __tsan_atomic##bits##_store(volatile type* a, type value, int) {                           \
    __atomic_store_n(a, value, __ATOMIC_SEQ_CST);                                                 \
  }                                                                                               \
  type __tsan_atomic##bits##_exchange(volatile type* a, type value, int) {                        \
    return __atomic_exchange_n(a, value, __ATOMIC_SEQ_CST);                                       \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_add(volatile type* a, type value, int) {                       \
    return __atomic_fetch_add(a, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_sub(volatile type* a, type value, int) {                       \
    return __atomic_fetch_sub(a, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_and(volatile type* a, type value, int) {                       \
    return __atomic_fetch_and(a, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_or(volatile type* a, type value, int) {                        \
    return __atomic_fetch_or(a, value, __ATOMIC_SEQ_CST);                                         \
  }                                                                                               \
  type __tsan_atomic##bits##_fetch_xor(volatile type* a, type value, int) {                       \
    return __atomic_fetch_xor(a, value, __ATOMIC_SEQ_CST);                                        \
  }                                                                                               \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type* a, type* expected, type value, \
                                                    int, int) {                                   \
    return __atomic_compare_exchange_n(a, expected, value, false, __ATOMIC_SEQ_CST,               \
                                       __ATOMIC_SEQ_CST);                                         \
  }                                                                                               \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type* a, type* expected, type value,   \
                                                  int, int) {                                     \
    return __atomic_compare_exchange_n(a, expected, value, true, __ATOMIC_SEQ_CST,                \
                                       __ATOMIC_SEQ_CST);                                         \
  }

extern "C" {

NUMERAL_HOOKS(1)
NUMERAL_HOOKS(2)
NUMERAL_HOOKS(4)
NUMERAL_HOOKS(8)
NUMERAL_HOOKS(16)

void __tsan_read_range(void* address, size_t bytes) {
  TheAccessChecker().Access(Kind::kRead, address, bytes, __builtin_return_address(0));
}
void __tsan_write_range(void* address, size_t bytes) {
  TheAccessChecker().Access(Kind::kWrite, address, bytes, __builtin_return_address(0));
}

// Called before main() by every instrumented source.
void __tsan_init() { TheAccessChecker(); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void*, void*) {}
void __tsan_vptr_read(void*) {}
void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}

NUMERAL_HOST_ATOMICS(8, uint8_t)
NUMERAL_HOST_ATOMICS(16, uint16_t)
NUMERAL_HOST_ATOMICS(32, uint32_t)
NUMERAL_HOST_ATOMICS(64, uint64_t)

}  // extern "C"
