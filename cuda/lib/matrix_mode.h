// The arithmetic of products and convolutions, and with it the storage of their operands.
#pragma once

namespace numeral::cuda {

enum class MatrixMode {
  kFp32,  // fp32 operands, fp32 multiply-adds: no tensor core, no TF32
  kTf32,  // fp32 operands, rounded to TF32 on their way into tensor cores; fp32 sums
  kBf16,  // bf16 operands, fp32 sums
};

}  // namespace numeral::cuda
