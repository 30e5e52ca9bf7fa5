// Addresses of the program's code as places in its source.
#pragma once

#include <cstdint>
#include <string>

namespace numeral::emulator {

// The distance of a return address from the begin of the program; 0 for null.
uint32_t CodeOffset(const void* code);

// "file:line", with the callers that the code was inlined into; asks the tool addr2line. Where that
// or the program's line numbers are missing, the offset.
std::string CodeLocation(uint32_t offset);

}  // namespace numeral::emulator
