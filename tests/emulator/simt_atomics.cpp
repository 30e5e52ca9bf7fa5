#include "tests/emulator/simt_atomics.h"

#include <algorithm>

#include "tests/emulator/simt_calls.h"

namespace {

// Stores change(old value) and returns the old value.
template <typename T, typename Change>
T Update(T* address, Change change) {
  numeral::emulator::AtomicAccess(address, sizeof(T));
  const T old = *address;
  *address = change(old);
  return old;
}

template <typename T>
T Add(T* address, T value) {
  return Update(address, [value](T old) { return old + value; });
}
template <typename T>
T Max(T* address, T value) {
  return Update(address, [value](T old) { return std::max(old, value); });
}
template <typename T>
T Min(T* address, T value) {
  return Update(address, [value](T old) { return std::min(old, value); });
}
template <typename T>
T Exchange(T* address, T value) {
  return Update(address, [value](T) { return value; });
}
template <typename T>
T CompareAndSwap(T* address, T expected, T value) {
  return Update(address, [=](T old) { return old == expected ? value : old; });
}

}  // namespace

int atomicAdd(int* address, int value) {
  return static_cast<int>(atomicAdd(reinterpret_cast<unsigned*>(address),
                                    static_cast<unsigned>(value)));  // wraps around
}
unsigned atomicAdd(unsigned* address, unsigned value) { return Add(address, value); }
unsigned long long atomicAdd(unsigned long long* address, unsigned long long value) {
  return Add(address, value);
}
float atomicAdd(float* address, float value) { return Add(address, value); }
double atomicAdd(double* address, double value) { return Add(address, value); }

int atomicSub(int* address, int value) {
  return static_cast<int>(
      atomicSub(reinterpret_cast<unsigned*>(address), static_cast<unsigned>(value)));
}
unsigned atomicSub(unsigned* address, unsigned value) { return Add(address, 0u - value); }

int atomicMax(int* address, int value) { return Max(address, value); }
unsigned atomicMax(unsigned* address, unsigned value) { return Max(address, value); }
unsigned long long atomicMax(unsigned long long* address, unsigned long long value) {
  return Max(address, value);
}
int atomicMin(int* address, int value) { return Min(address, value); }
unsigned atomicMin(unsigned* address, unsigned value) { return Min(address, value); }
unsigned long long atomicMin(unsigned long long* address, unsigned long long value) {
  return Min(address, value);
}

int atomicExch(int* address, int value) { return Exchange(address, value); }
unsigned atomicExch(unsigned* address, unsigned value) { return Exchange(address, value); }
unsigned long long atomicExch(unsigned long long* address, unsigned long long value) {
  return Exchange(address, value);
}
float atomicExch(float* address, float value) { return Exchange(address, value); }

int atomicCAS(int* address, int expected, int value) {
  return CompareAndSwap(address, expected, value);
}
unsigned atomicCAS(unsigned* address, unsigned expected, unsigned value) {
  return CompareAndSwap(address, expected, value);
}
unsigned long long atomicCAS(unsigned long long* address, unsigned long long expected,
                             unsigned long long value) {
  return CompareAndSwap(address, expected, value);
}

unsigned atomicInc(unsigned* address, unsigned limit) {
  return Update(address, [limit](unsigned old) { return old >= limit ? 0 : old + 1; });
}
unsigned atomicDec(unsigned* address, unsigned limit) {
  return Update(address,
                [limit](unsigned old) { return old == 0 || old > limit ? limit : old - 1; });
}

int atomicAnd(int* address, int value) {
  return Update(address, [value](int old) { return old & value; });
}
unsigned atomicAnd(unsigned* address, unsigned value) {
  return Update(address, [value](unsigned old) { return old & value; });
}
int atomicOr(int* address, int value) {
  return Update(address, [value](int old) { return old | value; });
}
unsigned atomicOr(unsigned* address, unsigned value) {
  return Update(address, [value](unsigned old) { return old | value; });
}
int atomicXor(int* address, int value) {
  return Update(address, [value](int old) { return old ^ value; });
}
unsigned atomicXor(unsigned* address, unsigned value) {
  return Update(address, [value](unsigned old) { return old ^ value; });
}
