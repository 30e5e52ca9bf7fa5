// Stacks that code runs on in turns: what the CUDA threads of an emulated block are made of.
#pragma once

#include <cstddef>
#include <functional>

// Own assembly where there is some, and the C library's slower way elsewhere.
#if defined(__x86_64__) && !defined(NUMERAL_PORTABLE_FIBERS)
#define NUMERAL_ASSEMBLY_FIBERS
#else
#include <ucontext.h>
#endif

namespace numeral::emulator {

// The registers of code that does not run at present.
class Context {
 public:
  // Makes Switch(…, *this) begin with entry(argument) on a fresh stack; entry must not return.
  void Prepare(std::byte* stack, size_t stack_bytes, void (*entry)(void*), void* argument);

  // Leaves the running code in `from` and goes on with `to`.
  static void Switch(Context& from, Context& to);

 private:
  static void Enter(void* self);
  static void AfterSwitch(void* fake_stack);

  static Context* left_;  // what the last switch left

  // For AddressSanitizer; of the first context, the process's own stack, they are learnt.
  const void* stack_ = nullptr;
  size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;

  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
#ifdef NUMERAL_ASSEMBLY_FIBERS
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
};

// Memory for a stack, with a page below it that nothing may touch.
class Stack {
 public:
  static constexpr size_t kBytes = 256 << 10;

  Stack();
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  std::byte* data() const { return data_; }

 private:
  std::byte* data_;
};

}  // namespace numeral::emulator
