// Captures of streams and the graphs that they give.
#include <algorithm>

#include "tests/emulator/device.h"

namespace numeral::emulator {
namespace {

// All nodes that come before the given ones, and these.
std::set<size_t> WithAncestors(const std::vector<Node>& nodes, const std::set<size_t>& from) {
  std::set<size_t> found;
  std::vector<size_t> open(from.begin(), from.end());
  while (!open.empty()) {
    const size_t node = open.back();
    open.pop_back();
    if (!found.insert(node).second) continue;
    open.insert(open.end(), nodes[node].after.begin(), nodes[node].after.end());
  }
  return found;
}

}  // namespace

// A programmatic dependency is on one kernel of the same stream. The real runtime may put up with
// more; what becomes of the dependencies then it does not say.
cudaError_t Device::AddNode(cudaStream_t stream, Node node) {
  const std::set<size_t>& tail = stream->capture_tail;
  std::vector<Node>& nodes = stream->capture->nodes;
  if (node.early) {
    const bool one_kernel = tail.size() == 1 && nodes[*tail.begin()].stream == stream &&
                            nodes[*tail.begin()].handle->type == cudaGraphNodeTypeKernel;
    if (!one_kernel) return cudaErrorInvalidValue;
  }
  node.after.assign(tail.begin(), tail.end());
  nodes.push_back(std::move(node));
  stream->capture_tail = {nodes.size() - 1};
  return cudaSuccess;
}

cudaError_t Device::BeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  cudaStream_t stream = Find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream == &legacy_) return cudaErrorStreamCaptureUnsupported;
  if (stream->capture != nullptr) return cudaErrorIllegalState;
  stream->capture = std::make_shared<Capture>();
  stream->capture->origin = stream;
  stream->capture->mode = mode;
  stream->capture->thread = std::this_thread::get_id();
  stream->capture_tail.clear();
  captures_.push_back(stream->capture);
  return cudaSuccess;
}

cudaError_t Device::EndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  *graph = nullptr;
  cudaStream_t stream = Find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream->capture == nullptr) return cudaErrorIllegalState;
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture->origin != stream) return cudaErrorStreamCaptureUnmatched;
  if (capture->mode != cudaStreamCaptureModeRelaxed &&
      capture->thread != std::this_thread::get_id()) {
    return cudaErrorStreamCaptureWrongThread;
  }
  const std::set<size_t> joined = WithAncestors(capture->nodes, stream->capture_tail);
  capture->ended = true;
  captures_.erase(std::find(captures_.begin(), captures_.end(), capture));
  std::vector<cudaStream_t> streams(streams_.begin(), streams_.end());
  streams.push_back(&per_thread_);
  for (cudaStream_t other : streams) {
    if (other->capture == capture) {
      other->capture = nullptr;
      other->capture_tail.clear();
    }
  }
  if (!capture->valid) return cudaErrorStreamCaptureInvalidated;
  if (joined.size() != capture->nodes.size()) return cudaErrorStreamCaptureUnjoined;
  *graph = new CUgraph_st;
  (*graph)->nodes = std::move(capture->nodes);
  return cudaSuccess;
}

cudaError_t Device::CheckNoCapture() {
  for (const auto& capture : captures_) {
    const bool concerned = capture->mode == cudaStreamCaptureModeGlobal ||
                           (capture->mode == cudaStreamCaptureModeThreadLocal &&
                            capture->thread == std::this_thread::get_id());
    if (concerned) {
      capture->valid = false;
      return cudaErrorStreamCaptureUnsupported;
    }
  }
  return cudaSuccess;
}

cudaError_t Device::Spoil(cudaStream_t stream) {
  stream->capture->valid = false;
  return cudaErrorStreamCaptureUnsupported;
}

// The nodes become operations between two empty ones, the launch's begin and end. Launches of one
// graph come one after the other, whatever their streams.
cudaError_t Device::Launch(cudaGraphExec_t graph, cudaStream_t handle) {
  cudaStream_t stream = Find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream->capture != nullptr) return Spoil(stream);
  for (const auto& capture : captures_) {
    if (stream == &legacy_ && capture->origin->blocking) {
      capture->valid = false;
      return cudaErrorStreamCaptureImplicit;
    }
  }
  const OperationPtr begin = Append(stream, "a graph's begin", {}, {graph->last});
  std::vector<OperationPtr> operations;
  for (const Node& node : graph->nodes) {
    std::vector<OperationPtr> after = {begin};
    for (const size_t index : node.after) after.push_back(operations[index]);
    stream->last = begin;
    operations.push_back(Append(stream, node.name, node.work, after));
  }
  graph->last = Append(stream, "a graph's end", {}, operations);
  return cudaSuccess;
}

}  // namespace numeral::emulator

// The toolkit's version 12 has these functions, with edge data, under other names.
#if CUDART_VERSION < 13000
#define cudaStreamGetCaptureInfo cudaStreamGetCaptureInfo_v3
#define cudaGraphGetEdges cudaGraphGetEdges_v2
#endif

using numeral::emulator::DeviceMutex;
using numeral::emulator::Lock;
using numeral::emulator::Return;
using numeral::emulator::TheDevice;

namespace {

constexpr cudaGraphEdgeData kProgrammatic = {.from_port = cudaGraphKernelNodePortProgrammatic,
                                             .to_port = 0,
                                             .type = cudaGraphDependencyTypeProgrammatic,
                                             .reserved = {}};

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().BeginCapture(stream, mode));
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(DeviceMutex());
  return Return(TheDevice().EndCapture(stream, graph));
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Lock lock(DeviceMutex());
  cudaStream_t found = TheDevice().Find(stream);
  if (found == nullptr) return Return(cudaErrorInvalidResourceHandle);
  if (found->capture == nullptr) {
    *status = cudaStreamCaptureStatusNone;
  } else {
    *status =
        found->capture->valid ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusInvalidated;
  }
  return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                     unsigned long long*, cudaGraph_t*,
                                     const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                                     size_t* count) {
  const Lock lock(DeviceMutex());
  cudaStream_t found = TheDevice().Find(stream);
  const cudaError_t asked = cudaStreamIsCapturing(stream, status);
  if (asked != cudaSuccess || *status != cudaStreamCaptureStatusActive) return asked;
  found->told_nodes.clear();
  for (const size_t node : found->capture_tail) {
    found->told_nodes.push_back(found->capture->nodes[node].handle.get());
  }
  found->told_edges.assign(found->told_nodes.size(), {});
  if (nodes != nullptr) *nodes = found->told_nodes.data();
  if (edges != nullptr) *edges = found->told_edges.data();
  if (count != nullptr) *count = found->told_nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  const Lock lock(DeviceMutex());
  if (graph == nullptr) return Return(cudaErrorInvalidValue);
  ++TheDevice().counters.graphs_instantiated;
  *exec = new CUgraphExec_st{graph->nodes, nullptr};
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  const Lock lock(DeviceMutex());
  if (exec == nullptr) return Return(cudaErrorInvalidValue);
  ++TheDevice().counters.graph_launches;
  return Return(TheDevice().Launch(exec, stream));
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  const Lock lock(DeviceMutex());
  if (graph == nullptr) return Return(cudaErrorInvalidValue);
  if (nodes != nullptr) {
    for (size_t i = 0; i < *count; ++i) {
      nodes[i] = i < graph->nodes.size() ? graph->nodes[i].handle.get() : nullptr;
    }
  }
  if (nodes == nullptr || *count > graph->nodes.size()) *count = graph->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t* from, cudaGraphNode_t* to,
                              cudaGraphEdgeData* data, size_t* count) {
  const Lock lock(DeviceMutex());
  if (graph == nullptr) return Return(cudaErrorInvalidValue);
  size_t found = 0;
  for (const auto& node : graph->nodes) {
    for (const size_t before : node.after) {
      if (from != nullptr && found < *count) {
        if (data == nullptr && node.early) return Return(cudaErrorLossyQuery);
        from[found] = graph->nodes[before].handle.get();
        to[found] = node.handle.get();
        if (data != nullptr) data[found] = node.early ? kProgrammatic : cudaGraphEdgeData{};
      }
      ++found;
    }
  }
  *count = found;
  return cudaSuccess;
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  if (node == nullptr) return Return(cudaErrorInvalidValue);
  *type = node->type;
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}

}  // extern "C"
