// What the access checker finds, and what it lets pass. Its findings need kernels whose accesses
// are instrumented, as they are in the program numeral_emulator_race_tests.
#include "cuda/support/reduce.h"
#include "cuda/support/simt.h"
#include "tests/catch.h"
#include "tests/emulator/stream.h"
#include "tests/emulator/test_values.h"

#ifdef __SANITIZE_THREAD__

namespace numeral::cuda {
namespace {

__global__ void exchange_kernel(int* out, bool with_barrier) {
  WaitForEarlierKernels();
  SIMT_SHARED(int, values, [64]);
  values[threadIdx.x] = static_cast<int>(threadIdx.x);
  if (with_barrier) __syncthreads();
  out[threadIdx.x] = values[63 - threadIdx.x];
}

__global__ void reuse_kernel(int* out, bool with_barrier) {
  WaitForEarlierKernels();
  SIMT_SHARED(int, values, [64]);
  int sum = 0;
  for (int round = 0; round < 3; ++round) {
    values[threadIdx.x] = round;
    __syncthreads();
    sum += values[63 - threadIdx.x];
    if (with_barrier) __syncthreads();
  }
  out[threadIdx.x] = sum;
}

__global__ void warp_exchange_kernel(int* out, bool with_sync) {
  WaitForEarlierKernels();
  SIMT_SHARED(int, values, [64]);
  values[threadIdx.x] = 1;
  if (with_sync) __syncwarp();
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

__global__ void count_kernel(int* count, bool atomic) {
  WaitForEarlierKernels();
  if (threadIdx.x != 0) return;
  if (atomic) {
    atomicAdd(count, 1);
  } else {
    *count += 1;
  }
}

__global__ void unwritten_kernel(float* out, int written) {
  WaitForEarlierKernels();
  SIMT_SHARED(float, values, [64]);
  if (static_cast<int>(threadIdx.x) < written) values[threadIdx.x] = 1;
  __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = values[threadIdx.x];
}

__global__ void bytes_kernel(unsigned char* out, bf16* halves) {
  WaitForEarlierKernels();
  out[threadIdx.x] = 1;
  halves[threadIdx.x] = FromFloat<bf16>(2);
}

enum class Last { kRight, kWithoutFence, kWithoutBarrier };

// Sums the blocks' numbers, in each of three ways to publish them.
__global__ void last_block_kernel(int* partials, unsigned* counter, int* sum, Last last) {
  WaitForEarlierKernels();
  SIMT_SHARED(bool, is_last, [1]);
  partials[blockIdx.x * blockDim.x + threadIdx.x] = 1;
  if (last != Last::kWithoutFence) __threadfence();
  if (last != Last::kWithoutBarrier) __syncthreads();
  if (threadIdx.x == 0) is_last[0] = atomicAdd(counter, 1u) == gridDim.x - 1;
  __syncthreads();
  if (!is_last[0] || threadIdx.x != 0) return;
  int total = 0;
  for (unsigned i = 0; i < gridDim.x * blockDim.x; ++i) total += partials[i];
  *sum = total;
  *counter = 0;
}

// One thread fences for its block, behind a barrier.
__global__ void one_fence_kernel(int* partials, unsigned* counter, int* sum) {
  WaitForEarlierKernels();
  partials[blockIdx.x * blockDim.x + threadIdx.x] = 1;
  __syncthreads();
  if (threadIdx.x != 0) return;
  __threadfence();
  if (atomicInc(counter, gridDim.x - 1) != gridDim.x - 1) return;
  int total = 0;
  for (unsigned i = 0; i < gridDim.x * blockDim.x; ++i) total += partials[i];
  *sum = total;
}

__global__ void reduce_kernel(const int* x, int* partials, unsigned* counter, int* sum) {
  WaitForEarlierKernels();
  SIMT_SHARED(int, per_warp, [32]);
  const int block_sum = BlockSum(x[blockIdx.x * blockDim.x + threadIdx.x], per_warp);
  if (threadIdx.x == 0) partials[blockIdx.x] = block_sum;
  if (!IsLastBlock(counter, gridDim.x) || threadIdx.x != 0) return;
  int total = 0;
  for (unsigned block = 0; block < gridDim.x; ++block) total += partials[block];
  *sum = total;
}

// The failure under 5 seeds; all or none of them must fail.
std::string FailureUnderSeeds(const std::function<void()>& work) {
  std::string failure;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    emulator::SetSeed(seed);
    const std::string now = FailureOf(work);
    if (!failure.empty() && (now == "none") != (failure == "none")) return "differs: " + now;
    failure = now;
  }
  return failure;
}

}  // namespace

TEST_CASE("Missing barriers are found", "[emulator][race]") {
  const Values<int> out(64);
  for (const auto kernel : {exchange_kernel, reuse_kernel, warp_exchange_kernel}) {
    const auto run = [&](bool right) {
      return FailureUnderSeeds([&] {
        Launch("kernel", kernel, {1, 64}, nullptr, out.data(), right);
      });
    };
    CHECK(run(true) == "none");
    CHECK_HAS(run(false), "access_checker_test.cpp:");
  }
}

TEST_CASE("Updates of several blocks that are not atomic are found", "[emulator][race]") {
  const Values<int> count(std::vector<int>{0});
  const auto run = [&](bool atomic) {
    return FailureUnderSeeds([&] {
      Launch("count", count_kernel, {4, 32}, nullptr, count.data(), atomic);
    });
  };
  CHECK(run(true) == "none");
  CHECK_HAS(run(false), "race in global memory: thread 0 of block (");
}

TEST_CASE("Reads of shared memory that nobody wrote are found", "[emulator][race]") {
  const Values<float> out(128);
  const auto run = [&](int written) {
    return FailureUnderSeeds([&] {
      Launch("unwritten", unwritten_kernel, {2, 64}, nullptr, out.data(), written);
    });
  };
  CHECK(run(64) == "none");
  CHECK_HAS(run(63), "read of shared memory that the block has not written");
}

TEST_CASE("Neighbouring bytes and halves are no conflict", "[emulator][race]") {
  const Values<unsigned char> bytes(64);
  const Values<bf16> halves(64);
  CHECK(FailureUnderSeeds([&] {
          Launch("bytes", bytes_kernel, {1, 64}, nullptr, bytes.data(), halves.data());
        }) == "none");
}

TEST_CASE("The last block may read what the others published, and only that", "[emulator][race]") {
  const Values<int> partials(4 * 64), sum(1), x(std::vector<int>(4 * 64, 1));
  const auto run = [&](Last last) {
    const Values<unsigned> counter(1);
    return FailureUnderSeeds([&] {
      NUMERAL_CUDA(
          cudaMemset(counter.data(), 0, sizeof(unsigned)));  // a failure leaves it counting
      Launch("last_block", last_block_kernel, {4, 64}, nullptr, partials.data(), counter.data(),
             sum.data(), last);
    });
  };
  CHECK(run(Last::kRight) == "none");
  CHECK(sum.Read()[0] == 4 * 64);
  CHECK_HAS(run(Last::kWithoutFence), "race in global memory");
  CHECK_HAS(run(Last::kWithoutBarrier), "race in");

  const Values<unsigned> counter(std::vector<unsigned>{0});
  CHECK(FailureUnderSeeds([&] {
          Launch("one_fence", one_fence_kernel, {4, 64}, nullptr, partials.data(), counter.data(),
                 sum.data());
          Launch("reduce", reduce_kernel, {4, 64}, nullptr, x.data(), partials.data(),
                 counter.data(), sum.data());
        }) == "none");
  CHECK(sum.Read()[0] == 4 * 64);
}

}  // namespace numeral::cuda

#endif
