// Streams, events, captures and graphs of the fake CUDA runtime.
#include "tests/emulator/stream.h"

#include <cuda_runtime.h>

#include <vector>

#include "cuda/support/check.h"
#include "cuda/support/runtime.h"
#include "tests/catch.h"

namespace numeral::cuda {
namespace {

using emulator::Enqueue;

// An order-sensitive record of what ran.
struct Trace {
  std::string text;
  void Put(const Stream& stream, char letter) {
    NUMERAL_CUDA(Enqueue(stream.get(), std::string(1, letter), [this, letter] { text += letter; }));
  }
};

// How many of 20 seeds give the text.
int CountOf(const std::string& text, const std::function<std::string()>& run) {
  int count = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    emulator::SetSeed(seed);
    count += run() == text;
  }
  return count;
}

}  // namespace

TEST_CASE("Work waits for somebody to wait for it", "[emulator]") {
  Trace trace;
  const Stream stream = MakeStream();
  trace.Put(stream, 'a');
  trace.Put(stream, 'b');
  CHECK(trace.text.empty());
  NUMERAL_CUDA(cudaStreamSynchronize(stream.get()));
  CHECK(trace.text == "ab");
}

TEST_CASE("A missing wait between streams shows under some seed", "[emulator]") {
  const Stream first = MakeStream(), second = MakeStream();
  const Event event = MakeEvent();
  const auto run = [&](bool with_wait) {
    Trace trace;
    trace.Put(first, 'a');
    NUMERAL_CUDA(cudaEventRecord(event.get(), first.get()));
    if (with_wait) NUMERAL_CUDA(cudaStreamWaitEvent(second.get(), event.get()));
    trace.Put(second, 'b');
    NUMERAL_CUDA(cudaDeviceSynchronize());
    return trace.text;
  };
  CHECK(CountOf("ab", [&] { return run(true); }) == 20);
  const int lucky = CountOf("ab", [&] { return run(false); });
  CHECK(lucky > 0);
  CHECK(lucky < 20);
}

TEST_CASE("A captured fork and join is replayed as such", "[emulator]") {
  const Stream main = MakeStream(), side = MakeStream();
  const Event fork = MakeEvent(), join = MakeEvent();
  Trace trace;
  NUMERAL_CUDA(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeGlobal));
  trace.Put(main, 'a');
  NUMERAL_CUDA(cudaEventRecord(fork.get(), main.get()));
  NUMERAL_CUDA(cudaStreamWaitEvent(side.get(), fork.get()));
  trace.Put(side, 'b');
  trace.Put(main, 'c');
  NUMERAL_CUDA(cudaEventRecord(join.get(), side.get()));
  NUMERAL_CUDA(cudaStreamWaitEvent(main.get(), join.get()));
  trace.Put(main, 'd');
  cudaGraph_t captured = nullptr;
  NUMERAL_CUDA(cudaStreamEndCapture(main.get(), &captured));
  const Graph graph(captured);
  size_t nodes = 0;
  NUMERAL_CUDA(cudaGraphGetNodes(graph.get(), nullptr, &nodes));
  CHECK(nodes == 4);
  cudaGraphExec_t exec_handle = nullptr;
  NUMERAL_CUDA(cudaGraphInstantiate(&exec_handle, graph.get(), 0));
  const GraphExec exec(exec_handle);
  CHECK(trace.text.empty());
  const auto replay = [&] {
    trace.text.clear();
    NUMERAL_CUDA(cudaGraphLaunch(exec.get(), main.get()));
    NUMERAL_CUDA(cudaStreamSynchronize(main.get()));
    return trace.text;
  };
  const int one = CountOf("abcd", replay), other = CountOf("acbd", replay);
  CHECK(one > 0);
  CHECK(other > 0);
  CHECK(one + other == 20);
}

TEST_CASE("What a capture does not allow is refused with the real codes", "[emulator]") {
  const Stream main = MakeStream(), side = MakeStream();
  const Event event = MakeEvent();
  cudaGraph_t graph = nullptr;
  const auto begin = [&] {
    NUMERAL_CUDA(cudaStreamBeginCapture(main.get(), cudaStreamCaptureModeGlobal));
  };
  const auto end = [&] { return cudaStreamEndCapture(main.get(), &graph); };
  SECTION("waiting") {
    begin();
    CHECK(cudaStreamSynchronize(main.get()) == cudaErrorStreamCaptureUnsupported);
    CHECK(end() == cudaErrorStreamCaptureInvalidated);
    begin();
    CHECK(cudaDeviceSynchronize() == cudaErrorStreamCaptureUnsupported);
    CHECK(end() == cudaErrorStreamCaptureInvalidated);
  }
  SECTION("allocating") {
    void* address = nullptr;
    begin();
    CHECK(cudaMalloc(&address, 16) == cudaErrorStreamCaptureUnsupported);
    CHECK(end() == cudaErrorStreamCaptureInvalidated);
  }
  SECTION("unjoined work") {
    begin();
    NUMERAL_CUDA(cudaEventRecord(event.get(), main.get()));
    NUMERAL_CUDA(cudaStreamWaitEvent(side.get(), event.get()));
    NUMERAL_CUDA(Enqueue(side.get(), "work", [] {}));
    CHECK(end() == cudaErrorStreamCaptureUnjoined);
  }
  SECTION("uncaptured work") {
    NUMERAL_CUDA(cudaEventRecord(event.get(), side.get()));
    begin();
    CHECK(cudaStreamWaitEvent(main.get(), event.get()) == cudaErrorStreamCaptureIsolation);
    CHECK(end() == cudaErrorStreamCaptureInvalidated);
  }
  SECTION("pageable memory") {
    const DeviceMemory memory(16);
    std::byte bytes[16] = {};
    begin();
    CHECK(cudaMemcpyAsync(memory.data(), bytes, 16, cudaMemcpyHostToDevice, main.get()) ==
          cudaErrorStreamCaptureUnsupported);
    CHECK(end() == cudaErrorStreamCaptureInvalidated);
  }
  SECTION("the legacy stream") {
    cudaStream_t blocking = nullptr;
    NUMERAL_CUDA(cudaStreamCreate(&blocking));
    NUMERAL_CUDA(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeGlobal));
    CHECK(Enqueue(nullptr, "work", [] {}) == cudaErrorStreamCaptureImplicit);
    CHECK(cudaStreamEndCapture(blocking, &graph) == cudaErrorStreamCaptureInvalidated);
    NUMERAL_CUDA(cudaStreamDestroy(blocking));
  }
  CHECK(graph == nullptr);
  cudaGetLastError();
}

TEST_CASE("Pageable bytes are taken at the call, pinned ones when the copy runs", "[emulator]") {
  const Stream stream = MakeStream();
  const DeviceMemory device(4);
  const PinnedMemory pinned(4);
  auto& value = *reinterpret_cast<int*>(pinned.data());
  int pageable = 1;
  emulator::ResetCounters();
  NUMERAL_CUDA(cudaMemcpyAsync(device.data(), &pageable, 4, cudaMemcpyHostToDevice, stream.get()));
  pageable = 2;
  NUMERAL_CUDA(
      cudaMemcpyAsync(pinned.data(), device.data(), 4, cudaMemcpyDeviceToHost, stream.get()));
  NUMERAL_CUDA(cudaStreamSynchronize(stream.get()));
  CHECK(value == 1);
  NUMERAL_CUDA(cudaMemcpyAsync(device.data(), &value, 4, cudaMemcpyHostToDevice, stream.get()));
  value = 3;
  NUMERAL_CUDA(cudaMemcpyAsync(&pageable, device.data(), 4, cudaMemcpyDeviceToHost, stream.get()));
  CHECK(pageable == 3);
  CHECK(emulator::Counts().pageable_copies == 2);
}

TEST_CASE("Device memory is NaN at first, and copies must fit in it", "[emulator]") {
  const DeviceMemory memory(64);
  std::vector<unsigned> bits(16);
  NUMERAL_CUDA(cudaMemcpy(bits.data(), memory.data(), 64, cudaMemcpyDeviceToHost));
  CHECK(bits == std::vector<unsigned>(16, 0xFFFFFFFFu));
  CHECK(cudaMemcpy(bits.data(), memory.data(), 65, cudaMemcpyDeviceToHost) ==
        cudaErrorInvalidValue);
  CHECK(cudaMemcpy(bits.data(), bits.data() + 4, 4, cudaMemcpyDeviceToHost) ==
        cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
}

TEST_CASE("A polled event comes at last", "[emulator]") {
  Trace trace;
  const Stream stream = MakeStream();
  const Event event = MakeEvent();
  trace.Put(stream, 'a');
  NUMERAL_CUDA(cudaEventRecord(event.get(), stream.get()));
  int polls = 0;
  while (cudaEventQuery(event.get()) == cudaErrorNotReady) ++polls;
  cudaGetLastError();
  CHECK(polls < 5);
  CHECK(trace.text == "a");
}

}  // namespace numeral::cuda
