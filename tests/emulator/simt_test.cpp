// The emulator runs kernels as CUDA does, and says where they are wrong.
#include "cuda/support/simt.h"

#include <numeric>
#include <vector>

#include "cuda/support/reduce.h"
#include "tests/catch.h"
#include "tests/emulator/stream.h"
#include "tests/emulator/test_values.h"

namespace numeral::cuda {
namespace {

__global__ void index_kernel(int* out) {
  WaitForEarlierKernels();
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = static_cast<int>(thread + block);
}

// out = the sum of x over the block, by a tree in shared memory.
__global__ void tree_kernel(const float* x, float* out) {
  WaitForEarlierKernels();
  SIMT_SHARED(float, partial, [256]);
  const unsigned thread = threadIdx.x;
  partial[thread] = x[blockIdx.x * blockDim.x + thread];
  for (unsigned width = blockDim.x / 2; width > 0; width /= 2) {
    __syncthreads();
    if (thread < width) partial[thread] += partial[thread + width];
  }
  if (thread == 0) out[blockIdx.x] = partial[0];
}

[[maybe_unused]] __global__ void unsynchronized_kernel(const float* x, float* out) {
  WaitForEarlierKernels();
  SIMT_SHARED(float, partial, [256]);
  partial[threadIdx.x] = x[threadIdx.x];
  out[threadIdx.x] = partial[blockDim.x - 1 - threadIdx.x];
}

__global__ void divergent_kernel(int split) {
  WaitForEarlierKernels();
  if (static_cast<int>(threadIdx.x) < split) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void early_exit_kernel(int* out) {
  WaitForEarlierKernels();
  if (threadIdx.x >= 40) return;
  const int neighbours = __syncthreads_count(1);
  out[threadIdx.x] = neighbours;
}

__global__ void lane_missing_kernel(int* out) {
  WaitForEarlierKernels();
  if (threadIdx.x == 7) {
    __syncthreads();
    return;
  }
  out[threadIdx.x] = __shfl_xor_sync(kFullMask, 1, 1);
  __syncthreads();
}

__global__ void vote_kernel(unsigned* out) {
  WaitForEarlierKernels();
  const unsigned lane = threadIdx.x % 32;
  out[threadIdx.x * 4] = __ballot_sync(kFullMask, lane % 3 == 0);
  out[threadIdx.x * 4 + 1] = static_cast<unsigned>(__any_sync(kFullMask, lane == 31));
  out[threadIdx.x * 4 + 2] = static_cast<unsigned>(__all_sync(kFullMask, lane < 31));
  out[threadIdx.x * 4 + 3] = lane < 16 ? __ballot_sync(0xFFFFu, 1) : __ballot_sync(0xFFFF0000u, 1);
}

__global__ void shuffle_kernel(int* out) {
  WaitForEarlierKernels();
  const int lane = static_cast<int>(threadIdx.x);
  out[lane] = __shfl_sync(kFullMask, lane, 5);
  out[lane + 32] = __shfl_up_sync(kFullMask, lane, 1);
  out[lane + 64] = __shfl_down_sync(kFullMask, lane, 2, 8);
  out[lane + 96] = __shfl_xor_sync(kFullMask, lane, 16);
}

__global__ void last_block_kernel(const float* x, float* partial, unsigned* counter, float* sum) {
  WaitForEarlierKernels();
  SIMT_SHARED(float, per_warp, [32]);
  const float block_sum = BlockSum(x[blockIdx.x * blockDim.x + threadIdx.x], per_warp);
  if (threadIdx.x == 0) partial[blockIdx.x] = block_sum;
  if (!IsLastBlock(counter, gridDim.x)) return;
  if (threadIdx.x == 0) {
    float total = 0;
    for (unsigned block = 0; block < gridDim.x; ++block) total += partial[block];
    *sum = total;
  }
}

__global__ void overrun_kernel(int elems) {
  WaitForEarlierKernels();
  int* values = DynamicShared<int>();
  if (static_cast<int>(threadIdx.x) < elems) values[threadIdx.x] = 1;
}

std::vector<float> CountUp(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

}  // namespace

TEST_CASE("Every thread of every block runs once", "[emulator]") {
  const Values<int> out(2 * 3 * 2 * 4 * 5 * 2);
  Launch("index", index_kernel, {dim3(2, 3, 2), dim3(4, 5, 2)}, nullptr, out.data());
  const std::vector<int> values = out.Read();
  for (int i = 0; i < static_cast<int>(values.size()); ++i) CHECK(values[i] == i / 40 + i % 40);
}

TEST_CASE("Barriers order shared memory under every schedule", "[emulator]") {
  const Values<float> x(CountUp(512)), out(2);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    emulator::SetSeed(seed);
    Launch("tree", tree_kernel, {2, 256}, nullptr, x.data(), out.data());
    CHECK(out.Read() == std::vector<float>{256 * 257 / 2, 256 * 257 / 2 + 256 * 256});
  }
}

#ifndef __SANITIZE_THREAD__  // there it ends the kernel
TEST_CASE("A missing barrier shows as NaN", "[emulator]") {
  const Values<float> x(CountUp(256)), out(256);
  Launch("unsynchronized", unsynchronized_kernel, {1, 256}, nullptr, x.data(), out.data());
  int poisoned = 0;
  for (const float value : out.Read()) poisoned += std::isnan(value);
  CHECK(poisoned > 0);
}
#endif

TEST_CASE("Divergent barriers are named", "[emulator]") {
  const std::string failure = FailureOf([] {
    Launch("divergent", divergent_kernel, {1, 64}, nullptr, 32);
  });
  CHECK_HAS(failure, "kernel divergent: block (0, 0, 0): divergent barriers");
  CHECK_HAS(failure, "simt_test.cpp:");
}

TEST_CASE("Threads that have ended are not waited for", "[emulator]") {
  const Values<int> out(40);
  Launch("early_exit", early_exit_kernel, {1, 64}, nullptr, out.data());
  CHECK(out.Read() == std::vector<int>(40, 40));
}

TEST_CASE("A lane that misses a shuffle is a deadlock", "[emulator]") {
  const Values<int> out(32);
  const std::string failure = FailureOf([&] {
    Launch("lane_missing", lane_missing_kernel, {1, 32}, nullptr, out.data());
  });
  CHECK_HAS(failure, "deadlock: ");
  CHECK_HAS(failure, "31 threads");
  CHECK_HAS(failure, "1 threads, thread (7, 0, 0)");
}

TEST_CASE("Votes and shuffles", "[emulator]") {
  const Values<unsigned> votes(64 * 4);
  Launch("vote", vote_kernel, {1, 64}, nullptr, votes.data());
  const std::vector<unsigned> voted = votes.Read();
  for (unsigned thread = 0; thread < 64; ++thread) {
    CHECK(voted[thread * 4] == 0x49249249u);
    CHECK(voted[thread * 4 + 1] == 1);
    CHECK(voted[thread * 4 + 2] == 0);
    CHECK(voted[thread * 4 + 3] == (thread % 32 < 16 ? 0xFFFFu : 0xFFFF0000u));
  }
  const Values<int> shuffles(32 * 4);
  Launch("shuffle", shuffle_kernel, {1, 32}, nullptr, shuffles.data());
  const std::vector<int> shuffled = shuffles.Read();
  for (int lane = 0; lane < 32; ++lane) {
    CHECK(shuffled[lane] == 5);
    CHECK(shuffled[lane + 32] == (lane == 0 ? 0 : lane - 1));
    CHECK(shuffled[lane + 64] == (lane % 8 < 6 ? lane + 2 : lane));
    CHECK(shuffled[lane + 96] == (lane ^ 16));
  }
}

TEST_CASE("The last block sums what all blocks wrote", "[emulator]") {
  const Values<float> x(CountUp(8 * 64)), partial(8), sum(1);
  const Values<unsigned> counter(std::vector<unsigned>{0});
  for (uint64_t seed = 0; seed < 5; ++seed) {
    emulator::SetSeed(seed);
    Launch("last_block", last_block_kernel, {8, 64}, nullptr, x.data(), partial.data(),
           counter.data(), sum.data());
    CHECK(sum.Read()[0] == 512 * 513 / 2);
    CHECK(counter.Read()[0] == 0);
  }
}

TEST_CASE("Limits of a launch", "[emulator]") {
  const auto launch = [](const LaunchShape& shape, int elems) {
    return FailureOf([&] { Launch("limits", overrun_kernel, shape, nullptr, elems); });
  };
  CHECK_HAS(launch({1, 1025}, 1), "cudaErrorInvalidConfiguration");
  CHECK_HAS(launch({dim3(1, 65536), 1}, 1), "cudaErrorInvalidConfiguration");
  CHECK_HAS(launch({1, 32, (227 << 10) + 1}, 1), "cudaErrorInvalidValue");
  CHECK(launch({1, 32, 227 << 10}, 1) == "none");
#ifndef __SANITIZE_ADDRESS__  // there it ends the program
  CHECK_HAS(launch({1, 32, 16}, 5), "past the end of the dynamic shared memory of 16 bytes");
#endif
}

}  // namespace numeral::cuda
