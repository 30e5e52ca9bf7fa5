// The limits of a launch, as the runtime checks them.
#pragma once

namespace numeral::emulator {

// Lets launches of the kernel ask for that much dynamic shared memory; false beyond the limit.
bool AllowDynamicShared(const void* kernel, int bytes);

}  // namespace numeral::emulator
