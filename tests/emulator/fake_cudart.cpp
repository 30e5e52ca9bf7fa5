// The runtime's functions for the device itself and for errors.
#include <cstdio>
#include <cstring>
#include <string>

#include "tests/emulator/device.h"

namespace {

thread_local cudaError_t last_error = cudaSuccess;

struct ErrorText {
  cudaError_t code;
  const char *name, *text;
};
#define NUMERAL_ERROR(code, text) \
  { code, #code, text }
constexpr ErrorText kErrors[] = {
    NUMERAL_ERROR(cudaSuccess, "no error"),
    NUMERAL_ERROR(cudaErrorInvalidValue, "invalid argument"),
    NUMERAL_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    NUMERAL_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    NUMERAL_ERROR(cudaErrorInsufficientDriver,
                  "CUDA driver version is insufficient for CUDA runtime version"),
    NUMERAL_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    NUMERAL_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    NUMERAL_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    NUMERAL_ERROR(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    NUMERAL_ERROR(cudaErrorLossyQuery, "the query leaves out what the graph says"),
    NUMERAL_ERROR(cudaErrorNotReady, "device not ready"),
    NUMERAL_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    NUMERAL_ERROR(cudaErrorStreamCaptureUnsupported,
                  "operation not permitted when stream is capturing"),
    NUMERAL_ERROR(cudaErrorStreamCaptureInvalidated,
                  "operation failed due to a previous error during capture"),
    NUMERAL_ERROR(cudaErrorStreamCaptureMerge,
                  "operation would result in a merge of separate capture sequences"),
    NUMERAL_ERROR(cudaErrorStreamCaptureUnmatched,
                  "capture was not ended in the same stream as it began"),
    NUMERAL_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    NUMERAL_ERROR(cudaErrorStreamCaptureIsolation,
                  "dependency created on uncaptured work in another stream"),
    NUMERAL_ERROR(cudaErrorStreamCaptureImplicit,
                  "operation would make the legacy stream depend on a capturing blocking stream"),
    NUMERAL_ERROR(cudaErrorCapturedEvent,
                  "operation not permitted on an event last recorded in a capturing stream"),
    NUMERAL_ERROR(cudaErrorStreamCaptureWrongThread,
                  "attempt to terminate a thread-local capture sequence from another thread"),
};
#undef NUMERAL_ERROR

const ErrorText* Describe(cudaError_t code) {
  for (const ErrorText& error : kErrors) {
    if (error.code == code) return &error;
  }
  return nullptr;
}

}  // namespace

namespace numeral::emulator {

cudaError_t Return(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

}  // namespace numeral::emulator

using numeral::emulator::Return;

extern "C" {

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() { return last_error; }

const char* cudaGetErrorName(cudaError_t code) {
  const ErrorText* error = Describe(code);
  return error == nullptr ? "unrecognized error code" : error->name;
}

// After a failure, with what failed.
const char* cudaGetErrorString(cudaError_t code) {
  const ErrorText* error = Describe(code);
  if (error == nullptr) return "unrecognized error code";
  if (code != cudaErrorLaunchFailure || numeral::emulator::LastFailure().empty()) {
    return error->text;
  }
  static std::string text;
  text = std::string(error->text) + ": " + numeral::emulator::LastFailure();
  return text.c_str();
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  return Return(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

// An H200 in all but its name.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return Return(cudaErrorInvalidDevice);
  *properties = cudaDeviceProp{};
  cudaDeviceProp& p = *properties;
  std::snprintf(p.name, sizeof(p.name), "emulated");
  size_t free = 0;
  cudaMemGetInfo(&free, &p.totalGlobalMem);
  p.major = 9;
  p.minor = 0;
  p.multiProcessorCount = 132;
  p.warpSize = 32;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsPerMultiProcessor = 2048;
  p.maxBlocksPerMultiProcessor = 32;
  const int block[] = {1024, 1024, 64}, grid[] = {0x7FFFFFFF, 65535, 65535};
  std::copy(block, block + 3, p.maxThreadsDim);
  std::copy(grid, grid + 3, p.maxGridSize);
  p.sharedMemPerBlock = 48 << 10;
  p.sharedMemPerBlockOptin = 227 << 10;
  p.sharedMemPerMultiprocessor = 228 << 10;
  p.reservedSharedMemPerBlock = 1 << 10;
  p.regsPerBlock = p.regsPerMultiprocessor = 65536;
  p.l2CacheSize = 50 << 20;
  p.memoryBusWidth = 6144;
  p.totalConstMem = 64 << 10;
  p.concurrentKernels = p.unifiedAddressing = p.cooperativeLaunch = p.clusterLaunch = 1;
  p.asyncEngineCount = 3;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  const cudaError_t status = cudaGetDeviceProperties(&properties, device);
  if (status != cudaSuccess) return status;
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(properties.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(properties.sharedMemPerBlock);
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = properties.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = properties.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrWarpSize:
      *value = properties.warpSize;
      break;
    case cudaDevAttrL2CacheSize:
      *value = properties.l2CacheSize;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 0;
      break;
    default:
      return Return(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaProfilerStart() { return cudaSuccess; }
cudaError_t cudaProfilerStop() { return cudaSuccess; }

}  // extern "C"
