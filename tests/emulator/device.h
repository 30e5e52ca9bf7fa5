// The state behind the fake CUDA runtime: operations, streams, events, captures, memory.
//
// Internal to the runtime's sources. All of it is guarded by one lock (Lock); handles that the
// program holds are pointers to the structs below.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/emulator/stream.h"

struct CUgraphNode_st {
  cudaGraphNodeType type;
};

namespace numeral::emulator {

// One piece of work and what waits for it.
struct Operation {
  std::string name;
  std::function<void()> work;
  int missing = 0;  // operations it waits for
  std::vector<std::shared_ptr<Operation>> dependents;
  bool done = false;
  double end_ms = 0;  // on the device's clock
};
using OperationPtr = std::shared_ptr<Operation>;

// A captured operation; `after` are indices of nodes of the same graph.
struct Node {
  std::string name;
  std::function<void()> work;
  std::shared_ptr<CUgraphNode_st> handle;
  cudaStream_t stream;
  bool early;  // its one dependency is a programmatic one
  std::vector<size_t> after;
};

struct Capture {
  cudaStream_t origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool valid = true, ended = false;
  std::vector<Node> nodes;
};

}  // namespace numeral::emulator

struct CUstream_st {
  bool blocking = true;  // takes turns with the legacy stream
  numeral::emulator::OperationPtr last;
  std::shared_ptr<numeral::emulator::Capture> capture;
  std::set<size_t> capture_tail;  // nodes that the next one comes after
  // What cudaStreamGetCaptureInfo said last.
  std::vector<cudaGraphNode_t> told_nodes;
  std::vector<cudaGraphEdgeData> told_edges;
};

struct CUevent_st {
  bool timed = true;
  numeral::emulator::OperationPtr operation;
  std::shared_ptr<numeral::emulator::Capture> capture;  // it was last recorded in
  std::set<size_t> capture_tail;
};

struct CUgraph_st {
  std::vector<numeral::emulator::Node> nodes;
};

struct CUgraphExec_st {
  std::vector<numeral::emulator::Node> nodes;
  numeral::emulator::OperationPtr last;  // the end of its last launch
};

namespace numeral::emulator {

class Device {
 public:
  // Streams. `handle` may be one of the special ones; null where it is none.
  cudaStream_t Find(cudaStream_t handle);
  cudaStream_t NewStream(bool blocking);
  bool DestroyStream(cudaStream_t stream);
  bool Known(cudaEvent_t event) const { return events_.count(event) > 0; }
  cudaEvent_t NewEvent(bool timed);
  bool DestroyEvent(cudaEvent_t event);

  // Operations. `early`: a kernel that may start before the one in front of it has ended.
  cudaError_t Add(cudaStream_t handle, std::string name, cudaGraphNodeType type,
                  std::function<void()> work, bool early = false);
  cudaError_t Record(cudaEvent_t event, cudaStream_t handle);
  cudaError_t Wait(cudaStream_t handle, cudaEvent_t event);
  cudaError_t Launch(cudaGraphExec_t graph, cudaStream_t handle);

  // Running them. `target` null: all.
  cudaError_t RunUntilDone(const OperationPtr& target);
  cudaError_t RunSome();  // one or more, as time goes by
  cudaError_t RunStream(cudaStream_t stream);
  OperationPtr LastOf(cudaStream_t stream) const;

  // Captures.
  cudaError_t BeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode);
  cudaError_t EndCapture(cudaStream_t handle, cudaGraph_t* graph);
  // Success unless a capture forbids calls that wait or allocate; such a call spoils the capture.
  cudaError_t CheckNoCapture();
  cudaError_t Spoil(cudaStream_t stream);

  Counters counters;
  int code_version = 90;
  std::string failure;

 private:
  OperationPtr Append(cudaStream_t stream, std::string name, std::function<void()> work,
                      const std::vector<OperationPtr>& after);
  void Run(size_t ready_index);
  cudaError_t FailAll(const OperationPtr& operation, const std::string& what);
  cudaError_t AddNode(cudaStream_t stream, Node node);

  CUstream_st legacy_, per_thread_;
  std::set<cudaStream_t> streams_;
  std::set<cudaEvent_t> events_;
  std::vector<std::shared_ptr<Capture>> captures_;  // that have not ended
  std::vector<OperationPtr> ready_;
  std::set<OperationPtr> pending_;  // not done, in any state
  double clock_ms_ = 0;
};

Device& TheDevice();

// Held by every function of the runtime.
using Lock = std::lock_guard<std::recursive_mutex>;
std::recursive_mutex& DeviceMutex();

// Remembers an error for cudaGetLastError and returns it.
cudaError_t Return(cudaError_t status);

// Which memory an address lies in.
enum class MemoryKind { kPageable, kPinned, kDevice };
MemoryKind KindOf(const void* address);
// Whether all bytes lie in one allocation of the device.
bool OnDevice(const void* address, size_t bytes);

}  // namespace numeral::emulator
