// bench_device_copy: bytes per second, read and written, of a large copy within the GPU's memory.
// Prints one JSON object.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int kRuns = 15;
constexpr size_t kBytes = size_t{1} << 30, kChunkBytes = size_t{32} << 20;

void Check(cudaError_t status) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "bench_device_copy: %s\n", cudaGetErrorString(status));
  std::exit(1);
}

// Numbers that no memory compresses.
std::vector<unsigned> RandomWords() {
  std::vector<unsigned> words(kChunkBytes / sizeof(unsigned));
  unsigned state = 1;
  for (unsigned& word : words) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    word = state;
  }
  return words;
}

float CopyMs(void* to, const void* from, cudaEvent_t begin, cudaEvent_t end) {
  float ms = 0;
  Check(cudaEventRecord(begin));
  Check(cudaMemcpyAsync(to, from, kBytes, cudaMemcpyDeviceToDevice));
  Check(cudaEventRecord(end));
  Check(cudaEventSynchronize(end));
  Check(cudaEventElapsedTime(&ms, begin, end));
  return ms;
}

}  // namespace

int main() {
  char *from = nullptr, *to = nullptr;
  cudaEvent_t begin = nullptr, end = nullptr;
  Check(cudaMalloc(reinterpret_cast<void**>(&from), kBytes));
  Check(cudaMalloc(reinterpret_cast<void**>(&to), kBytes));
  Check(cudaEventCreate(&begin));
  Check(cudaEventCreate(&end));
  const std::vector<unsigned> words = RandomWords();
  for (size_t at = 0; at < kBytes; at += kChunkBytes) {
    Check(cudaMemcpy(from + at, words.data(), kChunkBytes, cudaMemcpyHostToDevice));
  }
  float least_ms = CopyMs(to, from, begin, end);
  for (int i = 1; i < kRuns; ++i) least_ms = std::min(least_ms, CopyMs(to, from, begin, end));
  std::printf("{\"bytes_per_second\": %.6g}\n", 2.0 * kBytes / (least_ms * 1e-3));
}
