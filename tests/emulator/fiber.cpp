#include "tests/emulator/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "tests/emulator/sanitizer.h"

namespace numeral::emulator {

constinit Context* Context::left_ = nullptr;

// Runs first on a fresh stack.
void Context::Enter(void* self) {
  AfterSwitch(nullptr);
  auto& context = *static_cast<Context*>(self);
  context.entry_(context.argument_);
}

void Context::AfterSwitch(void* fake_stack) {
  if (__sanitizer_finish_switch_fiber == nullptr) return;
  __sanitizer_finish_switch_fiber(fake_stack, &left_->stack_, &left_->stack_bytes_);
}

#ifdef NUMERAL_ASSEMBLY_FIBERS

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
  stack_ = stack;
  stack_bytes_ = stack_bytes;
  entry_ = entry;
  argument_ = argument;
  // The trampoline is to find the stack pointer at a multiple of 16, as a call needs it.
  auto** top = reinterpret_cast<void**>(stack + stack_bytes) - 9;
  top[0] = top[1] = top[2] = nullptr;  // r15, r14, r13
  top[3] = this;                       // r12
  top[4] = reinterpret_cast<void*>(&Context::Enter);
  top[5] = nullptr;  // rbp
  top[6] = reinterpret_cast<void*>(&NumeralEnterStack);
  top[7] = top[8] = nullptr;
  stack_pointer_ = top;
}

void Context::Switch(Context& from, Context& to) {
  if (__sanitizer_start_switch_fiber != nullptr) {
    __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_, to.stack_bytes_);
  }
  left_ = &from;
  NumeralSwitchStacks(&from.stack_pointer_, to.stack_pointer_);
  AfterSwitch(from.fake_stack_);
}

#else

namespace {

// makecontext passes ints alone.
void EnterFromHalves(unsigned entry_high, unsigned entry_low, unsigned self_high,
                     unsigned self_low) {
  const uint64_t entry = uint64_t{entry_high} << 32 | entry_low;
  const uint64_t self = uint64_t{self_high} << 32 | self_low;
  reinterpret_cast<void (*)(void*)>(entry)(reinterpret_cast<void*>(self));
}

}  // namespace

void Context::Prepare(std::byte* stack, size_t stack_bytes, void (*entry)(void*), void* argument) {
  stack_ = stack;
  stack_bytes_ = stack_bytes;
  entry_ = entry;
  argument_ = argument;
  getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = stack_bytes;
  context_.uc_link = nullptr;
  const auto enter = reinterpret_cast<uint64_t>(&Context::Enter);
  const auto self = reinterpret_cast<uint64_t>(this);
  makecontext(&context_, reinterpret_cast<void (*)()>(&EnterFromHalves), 4,
              static_cast<unsigned>(enter >> 32), static_cast<unsigned>(enter),
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

void Context::Switch(Context& from, Context& to) {
  if (__sanitizer_start_switch_fiber != nullptr) {
    __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_, to.stack_bytes_);
  }
  left_ = &from;
  swapcontext(&from.context_, &to.context_);
  AfterSwitch(from.fake_stack_);
}

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

Stack::~Stack() {
  Unpoison(data_, kBytes);  // the frames of a thread that stopped midway
  munmap(data_ - kGuardBytes, kGuardBytes + kBytes);
}

}  // namespace numeral::emulator
