#include "tests/emulator/code_location.h"

#include <link.h>
#include <unistd.h>

#include <cstdio>

namespace numeral::emulator {
namespace {

uintptr_t ProgramBegin() {
  uintptr_t begin = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        *static_cast<uintptr_t*>(result) = info->dlpi_addr;
        return 1;  // the first is the program itself
      },
      &begin);
  return begin;
}

}  // namespace

uint32_t CodeOffset(const void* code) {
  static const uintptr_t begin = ProgramBegin();
  return code == nullptr ? 0 : static_cast<uint32_t>(reinterpret_cast<uintptr_t>(code) - begin);
}

std::string CodeLocation(uint32_t offset) {
  char command[128];
  std::snprintf(command, sizeof(command), "addr2line -i -s -e /proc/%d/exe 0x%x 2>/dev/null",
                static_cast<int>(getpid()), offset - 1);  // the call, not what follows it
  std::string text;
  if (FILE* pipe = popen(command, "r")) {
    char line[512];
    while (std::fgets(line, sizeof(line), pipe) != nullptr) {
      std::string place(line);
      place.erase(place.find_last_not_of("\n") + 1);
      if (place.find(" (discriminator") != std::string::npos) {
        place.erase(place.find(" (discriminator"));
      }
      if (place.rfind("??", 0) == 0) continue;
      text += (text.empty() ? "" : ", called at ") + place;
    }
    pclose(pipe);
  }
  if (text.empty()) {
    std::snprintf(command, sizeof(command), "code offset 0x%x", offset);
    text = command;
  }
  return text;
}

}  // namespace numeral::emulator
