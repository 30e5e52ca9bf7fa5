#include "tests/emulator/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace numeral::emulator {

#if defined(__x86_64__)

// The registers that a call preserves (System V ABI) are pushed, the stacks exchanged. The first
// switch to a stack "returns" to the entry trampoline, with the entry in rbx and its argument in
// r12.
extern "C" {
void NumeralSwitchStacks(void** save, void* load);
void NumeralEnterStack();
}
asm(R"(
.text
.p2align 4
.type NumeralSwitchStacks, @function
NumeralSwitchStacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size NumeralSwitchStacks, .-NumeralSwitchStacks
.p2align 4
.type NumeralEnterStack, @function
NumeralEnterStack:
  movq %r12, %rdi
  callq *%rbx
  ud2
.size NumeralEnterStack, .-NumeralEnterStack
)");

void Context::Prepare(std::byte* stack, size_t stack_bytes, void (*entry)(void*), void* argument) {
  // The trampoline is to find the stack pointer at a multiple of 16, as a call needs it.
  auto** top = reinterpret_cast<void**>(stack + stack_bytes) - 9;
  top[0] = top[1] = top[2] = nullptr;  // r15, r14, r13
  top[3] = argument;                   // r12
  top[4] = reinterpret_cast<void*>(entry);
  top[5] = nullptr;  // rbp
  top[6] = reinterpret_cast<void*>(&NumeralEnterStack);
  top[7] = top[8] = nullptr;
  stack_pointer_ = top;
}

void Context::Switch(Context& from, Context& to) {
  NumeralSwitchStacks(&from.stack_pointer_, to.stack_pointer_);
}

#else

namespace {

// makecontext passes ints alone.
void Enter(unsigned entry_high, unsigned entry_low, unsigned argument_high, unsigned argument_low) {
  const uint64_t entry = uint64_t{entry_high} << 32 | entry_low;
  const uint64_t argument = uint64_t{argument_high} << 32 | argument_low;
  reinterpret_cast<void (*)(void*)>(entry)(reinterpret_cast<void*>(argument));
}

}  // namespace

void Context::Prepare(std::byte* stack, size_t stack_bytes, void (*entry)(void*), void* argument) {
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = stack_bytes;
  context_.uc_link = nullptr;
  const auto entry_bits = reinterpret_cast<uint64_t>(entry);
  const auto argument_bits = reinterpret_cast<uint64_t>(argument);
  makecontext(&context_, reinterpret_cast<void (*)()>(&Enter), 4,
              static_cast<unsigned>(entry_bits >> 32), static_cast<unsigned>(entry_bits),
              static_cast<unsigned>(argument_bits >> 32), static_cast<unsigned>(argument_bits));
}

void Context::Switch(Context& from, Context& to) { swapcontext(&from.context_, &to.context_); }

#endif

namespace {
constexpr size_t kGuardBytes = 4096;
}

Stack::Stack() {
  void* pages = mmap(nullptr, kGuardBytes + kBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  mprotect(pages, kGuardBytes, PROT_NONE);
  data_ = static_cast<std::byte*>(pages) + kGuardBytes;
}

Stack::~Stack() { munmap(data_ - kGuardBytes, kGuardBytes + kBytes); }

}  // namespace numeral::emulator
