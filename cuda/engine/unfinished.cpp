// Stands in for nodes whose kernels are still being written.
#include "cuda/engine/nodes.h"

#define UNFINISHED(Op)                                                         \
  __attribute__((weak)) Node MakeNode(const Op&, const Binding&, Workspace&) { \
    Fail("no kernel yet");                                                     \
  }

namespace numeral::cuda {
UNFINISHED(AdvanceStep)
UNFINISHED(GatherBatch)
UNFINISHED(GatherPairs)
UNFINISHED(DrawLatents)
UNFINISHED(DrawDigits)
UNFINISHED(OneHot)
UNFINISHED(DrawTimes)
UNFINISHED(FlowPath)
UNFINISHED(BinaryForward)
UNFINISHED(BinaryBackward)
UNFINISHED(Accumulate)
UNFINISHED(MaxPoolForward)
UNFINISHED(MaxPoolBackward)
UNFINISHED(GlobalMaxPoolForward)
UNFINISHED(GlobalMaxPoolBackward)
UNFINISHED(Permute)
UNFINISHED(UpsampleForward)
UNFINISHED(UpsampleBackward)
UNFINISHED(PixelShuffleForward)
UNFINISHED(PixelShuffleBackward)
UNFINISHED(ConcatForward)
UNFINISHED(ConcatBackward)
UNFINISHED(Loss)
UNFINISHED(SquaredError)
UNFINISHED(Accuracy)
UNFINISHED(AdamUpdate)
UNFINISHED(EmaUpdate)
}  // namespace numeral::cuda
