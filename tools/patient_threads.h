// Threads that give way on a busy machine.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace numeral {

// The first call of a main(). GCC's OpenMP threads wait for each other by spinning, for so long
// that with other programs on the machine they keep each other from the processor: a training step
// then takes ten times as long. The setting is read before main() begins, so the program starts
// itself again with it, once. Whoever sets OMP_WAIT_POLICY or GOMP_SPINCOUNT is obeyed.
inline void UsePatientThreads(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  std::error_code error;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error || setenv("GOMP_SPINCOUNT", "1000", 1) != 0) return;
  execv(program.c_str(), argv);  // returns only where it fails: then as things are
}

}  // namespace numeral
