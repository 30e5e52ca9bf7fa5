#include "tests/emulator/device.h"

#include <algorithm>
#include <exception>

#include "tests/emulator/random.h"

namespace numeral::emulator {

Device& TheDevice() {
  static Device device;
  return device;
}

std::recursive_mutex& DeviceMutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

cudaStream_t Device::Find(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return &legacy_;
  if (handle == cudaStreamPerThread) return &per_thread_;
  return streams_.count(handle) > 0 ? handle : nullptr;
}

cudaStream_t Device::NewStream(bool blocking) {
  cudaStream_t stream = *streams_.insert(new CUstream_st).first;
  stream->blocking = blocking;
  return stream;
}

// Work that it holds goes on.
bool Device::DestroyStream(cudaStream_t stream) {
  if (streams_.erase(stream) == 0) return false;
  delete stream;
  return true;
}

cudaEvent_t Device::NewEvent(bool timed) {
  cudaEvent_t event = *events_.insert(new CUevent_st).first;
  event->timed = timed;
  return event;
}

bool Device::DestroyEvent(cudaEvent_t event) {
  if (events_.erase(event) == 0) return false;
  delete event;
  return true;
}

// The legacy stream comes after all blocking streams, and they after it.
OperationPtr Device::Append(cudaStream_t stream, std::string name, std::function<void()> work,
                            const std::vector<OperationPtr>& after) {
  std::set<OperationPtr> waits_for(after.begin(), after.end());
  waits_for.insert(stream->last);
  if (stream == &legacy_) {
    for (cudaStream_t other : streams_) {
      if (other->blocking) waits_for.insert(other->last);
    }
    waits_for.insert(per_thread_.last);
  } else if (stream->blocking) {
    waits_for.insert(legacy_.last);
  }
  auto operation = std::make_shared<Operation>();
  operation->name = std::move(name);
  operation->work = std::move(work);
  for (const OperationPtr& other : waits_for) {
    if (other == nullptr || other->done) continue;
    other->dependents.push_back(operation);
    ++operation->missing;
  }
  pending_.insert(operation);
  if (operation->missing == 0) ready_.push_back(operation);
  stream->last = operation;
  return operation;
}

cudaError_t Device::Add(cudaStream_t handle, std::string name, cudaGraphNodeType type,
                        std::function<void()> work, bool early) {
  cudaStream_t stream = Find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream->capture != nullptr) {
    if (!stream->capture->valid) return cudaErrorStreamCaptureInvalidated;
    auto node = std::make_shared<CUgraphNode_st>(CUgraphNode_st{type});
    return AddNode(stream, {std::move(name), std::move(work), std::move(node), stream, early, {}});
  }
  if (stream == &legacy_) {
    for (const auto& capture : captures_) {
      if (capture->origin->blocking && capture->mode != cudaStreamCaptureModeRelaxed) {
        capture->valid = false;
        return cudaErrorStreamCaptureImplicit;
      }
    }
  }
  Append(stream, std::move(name), std::move(work), {});
  return cudaSuccess;
}

cudaError_t Device::Record(cudaEvent_t event, cudaStream_t handle) {
  cudaStream_t stream = Find(handle);
  if (stream == nullptr || !Known(event)) return cudaErrorInvalidResourceHandle;
  if (stream->capture != nullptr) {
    if (!stream->capture->valid) return cudaErrorStreamCaptureInvalidated;
    event->capture = stream->capture;
    event->capture_tail = stream->capture_tail;
    event->operation = nullptr;
    return cudaSuccess;
  }
  event->capture = nullptr;
  const cudaError_t status =
      Add(handle, "an event", cudaGraphNodeTypeEventRecord, std::function<void()>());
  if (status == cudaSuccess) event->operation = stream->last;
  return status;
}

cudaError_t Device::Wait(cudaStream_t handle, cudaEvent_t event) {
  cudaStream_t stream = Find(handle);
  if (stream == nullptr || !Known(event)) return cudaErrorInvalidResourceHandle;
  if (stream->capture != nullptr && !stream->capture->valid) {
    return cudaErrorStreamCaptureInvalidated;
  }
  if (event->capture != nullptr) {
    if (event->capture->ended) return cudaErrorCapturedEvent;
    if (stream == &legacy_) {
      event->capture->valid = false;
      return cudaErrorStreamCaptureImplicit;
    }
    if (stream->capture != nullptr && stream->capture != event->capture) {
      stream->capture->valid = event->capture->valid = false;
      return cudaErrorStreamCaptureMerge;
    }
    stream->capture = event->capture;
    stream->capture_tail.insert(event->capture_tail.begin(), event->capture_tail.end());
    return cudaSuccess;
  }
  if (event->operation == nullptr) return cudaSuccess;  // never recorded
  if (stream->capture != nullptr) {
    stream->capture->valid = false;
    return cudaErrorStreamCaptureIsolation;
  }
  Append(stream, "a wait for an event", {}, {event->operation});
  return cudaSuccess;
}

OperationPtr Device::LastOf(cudaStream_t stream) const { return stream->last; }

void Device::Run(size_t ready_index) {
  const OperationPtr operation = ready_[ready_index];
  ready_[ready_index] = ready_.back();
  ready_.pop_back();
  if (operation->work) operation->work();
  operation->work = nullptr;
  operation->done = true;
  clock_ms_ += 1e-3 * (1 + Schedule().Below(1000));
  operation->end_ms = clock_ms_;
  pending_.erase(operation);
  for (const OperationPtr& next : operation->dependents) {
    if (--next->missing == 0) ready_.push_back(next);
  }
  operation->dependents.clear();
}

cudaError_t Device::RunUntilDone(const OperationPtr& target) {
  while (!ready_.empty() && (target == nullptr || !target->done)) {
    const size_t next = Schedule().Below(static_cast<uint32_t>(ready_.size()));
    const OperationPtr operation = ready_[next];
    try {
      Run(next);
    } catch (const std::exception& error) {
      return FailAll(operation, error.what());
    }
  }
  return cudaSuccess;
}

// Drops everything, as a device does whose context is lost, but serves on.
cudaError_t Device::FailAll(const OperationPtr& operation, const std::string& what) {
  failure = operation->name + ": " + what;
  for (const OperationPtr& dropped : pending_) {
    dropped->done = true;
    dropped->work = nullptr;
    dropped->dependents.clear();
  }
  pending_.clear();
  ready_.clear();
  return cudaErrorLaunchFailure;
}

cudaError_t Device::RunSome() {
  if (ready_.empty()) return cudaSuccess;
  return RunUntilDone(ready_[Schedule().Below(static_cast<uint32_t>(ready_.size()))]);
}

cudaError_t Device::RunStream(cudaStream_t stream) {
  if (stream == &legacy_) {
    for (cudaStream_t other : streams_) {
      if (!other->blocking || other->last == nullptr) continue;
      const cudaError_t status = RunUntilDone(other->last);
      if (status != cudaSuccess) return status;
    }
  }
  return stream->last == nullptr ? cudaSuccess : RunUntilDone(stream->last);
}

cudaError_t Enqueue(cudaStream_t stream, std::string name, std::function<void()> work) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().Add(stream, std::move(name), cudaGraphNodeTypeKernel, std::move(work)));
}

void SetSeed(uint64_t seed) {
  const Lock lock(DeviceMutex());
  Schedule().Seed(seed);
}

void SetCodeVersion(int version) { TheDevice().code_version = version; }

const Counters& Counts() { return TheDevice().counters; }
void ResetCounters() { TheDevice().counters = Counters{}; }
const std::string& LastFailure() { return TheDevice().failure; }

}  // namespace numeral::emulator
