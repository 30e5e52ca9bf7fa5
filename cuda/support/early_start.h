// Kernels that start before the kernel in front of them has ended: "programmatic dependent launch",
// from compute capability 9.0 on.
//
// Between two kernels of a graph, one of which waits for the other, the GPU needs some 2 us to end
// the one and to start the other. A kernel that starts early is brought to the multiprocessors
// while the one in front of it ends, and waits there (WaitForEarlierKernels in simt.h).
#pragma once

#include <cuda_runtime_api.h>

#include <map>

namespace numeral::cuda {

// While one exists, Launch() lets kernels that its thread captures start early where nothing but
// another kernel of Launch() is in front of them: in the same stream, without a wait for another
// stream between the two. What libraries launch, copies and fills are waited for as ever, and so is
// everything by kernels that were compiled for older GPUs. There is one per capture and thread.
class EarlyStarts {
 public:
  EarlyStarts();
  ~EarlyStarts();
  EarlyStarts(const EarlyStarts&) = delete;
  EarlyStarts& operator=(const EarlyStarts&) = delete;

  static EarlyStarts* OfThisThread();  // or null

  // Whether the kernel may start early if it is launched on the stream now.
  bool Allow(const void* kernel, cudaStream_t stream) const;
  // A kernel that waits for those in front of it has been launched on the stream.
  void Launched(cudaStream_t stream);

 private:
  std::map<cudaStream_t, cudaGraphNode_t> last_launches_;
};

}  // namespace numeral::cuda
