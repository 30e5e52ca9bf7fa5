// Named ranges on the timeline of NVIDIA's profilers; free where none is attached.
#pragma once

#include <nvtx3/nvToolsExt.h>

#include <string>

namespace numeral::cuda {

class NvtxRange {
 public:
  explicit NvtxRange(const std::string& name) { nvtxRangePushA(name.c_str()); }
  ~NvtxRange() { nvtxRangePop(); }
  NvtxRange(const NvtxRange&) = delete;
  NvtxRange& operator=(const NvtxRange&) = delete;
};

}  // namespace numeral::cuda
