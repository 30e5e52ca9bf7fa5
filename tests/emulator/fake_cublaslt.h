// cuBLASLt without a GPU: what tests ask the fake library about.
#pragma once

namespace numeral::emulator {

// Handles and descriptors that were created and not destroyed.
int LiveCublasLtObjects();

}  // namespace numeral::emulator
