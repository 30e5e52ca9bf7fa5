// The runtime's functions for streams, events and launches.
#include <algorithm>
#include <map>

#include "tests/emulator/device.h"
#include "tests/emulator/kernel.h"
#include "tests/emulator/launch_check.h"

using numeral::emulator::DeviceMutex;
using numeral::emulator::Lock;
using numeral::emulator::OperationPtr;
using numeral::emulator::Return;
using numeral::emulator::TheDevice;

namespace {

// Checks a call that waits for or asks about `stream`.
cudaError_t CheckWaiting(cudaStream_t handle) {
  cudaStream_t stream = TheDevice().Find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream->capture != nullptr) return TheDevice().Spoil(stream);
  if (stream == TheDevice().Find(nullptr)) return TheDevice().CheckNoCapture();
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Lock lock(DeviceMutex());
  *stream = TheDevice().NewStream((flags & cudaStreamNonBlocking) == 0);
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  return cudaStreamCreateWithFlags(stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().DestroyStream(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Lock lock(DeviceMutex());
  ++TheDevice().counters.synchronizations;
  const cudaError_t status = CheckWaiting(stream);
  if (status != cudaSuccess) return Return(status);
  return Return(TheDevice().RunStream(TheDevice().Find(stream)));
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const Lock lock(DeviceMutex());
  cudaError_t status = CheckWaiting(stream);
  if (status == cudaSuccess) status = TheDevice().RunSome();
  if (status != cudaSuccess) return Return(status);
  const OperationPtr last = TheDevice().Find(stream)->last;
  return last == nullptr || last->done ? cudaSuccess : Return(cudaErrorNotReady);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().Wait(stream, event));
}

cudaError_t cudaDeviceSynchronize() {
  const Lock lock(DeviceMutex());
  ++TheDevice().counters.synchronizations;
  const cudaError_t status = TheDevice().CheckNoCapture();
  return Return(status == cudaSuccess ? TheDevice().RunUntilDone(nullptr) : status);
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().Add(stream, "a host function", cudaGraphNodeTypeHost,
                                [function, argument] { function(argument); }));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const Lock lock(DeviceMutex());
  *event = TheDevice().NewEvent((flags & cudaEventDisableTiming) == 0);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().DestroyEvent(event) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().Record(event, stream));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(DeviceMutex());
  ++TheDevice().counters.synchronizations;
  if (!TheDevice().Known(event)) return Return(cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr) {
    event->capture->valid = false;
    return Return(cudaErrorCapturedEvent);
  }
  if (event->operation == nullptr) return cudaSuccess;
  return Return(TheDevice().RunUntilDone(event->operation));
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(DeviceMutex());
  if (!TheDevice().Known(event)) return Return(cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr) {
    event->capture->valid = false;
    return Return(cudaErrorCapturedEvent);
  }
  const cudaError_t status = TheDevice().RunSome();
  if (status != cudaSuccess) return Return(status);
  const bool done = event->operation == nullptr || event->operation->done;
  return done ? cudaSuccess : Return(cudaErrorNotReady);
}

// Time on the device passes by up to a millisecond with each operation, at random.
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end) {
  const Lock lock(DeviceMutex());
  for (cudaEvent_t event : {start, end}) {
    if (!TheDevice().Known(event) || !event->timed || event->operation == nullptr) {
      return Return(cudaErrorInvalidResourceHandle);
    }
    if (!event->operation->done) return Return(cudaErrorNotReady);
  }
  *ms = static_cast<float>(end->operation->end_ms - start->operation->end_ms);
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(DeviceMutex());
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  return Return(numeral::emulator::AllowDynamicShared(kernel, value) ? cudaSuccess
                                                                     : cudaErrorInvalidValue);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  const Lock lock(DeviceMutex());
  *attributes = {};
  attributes->ptxVersion = attributes->binaryVersion = TheDevice().code_version;
  return cudaSuccess;
}

}  // extern "C"
