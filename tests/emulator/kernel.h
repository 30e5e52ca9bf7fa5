// Runs one kernel: its blocks one after the other in a random order, the threads of a block in
// turns.
//
// A thread runs until it waits for others or ends; which one goes on then is drawn from all that
// could. What cannot happen in a correct kernel (threads at different barriers, lanes at different
// warp operations, threads that wait for ever, writes past the end of shared memory) throws Failure
// with the kernel's name and the places in its source. Called by the streams, one kernel at a time.
#pragma once

#include <vector_types.h>

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>

namespace numeral::emulator {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct KernelRun {
  std::string name;
  dim3 grid, block;
  size_t dynamic_bytes = 0;
  std::function<void()> thread;  // calls the kernel
};
void RunKernel(const KernelRun& run);

// A place in a kernel's source.
struct Place {
  const char* file = "";
  int line = 0;
  bool operator==(const Place& other) const = default;
};
std::string ToString(const Place& place);
std::string ToString(const uint3& index);

}  // namespace numeral::emulator
