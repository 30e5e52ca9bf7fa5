// A grid whose blocks are shared out among several works of one launch.
#pragma once

#include "cuda/support/simt.h"

namespace numeral::cuda {

// What a block does: its number among the `blocks` of work `which`.
struct GridShare {
  int which;
  unsigned block, blocks;
};

template <int kMaxWorks>
struct GridSplit {
  unsigned ends[kMaxWorks] = {};  // of the works' blocks, one work behind the other
  int works = 0;

  void Add(unsigned blocks_of_work) {
    ends[works] = blocks() + blocks_of_work;
    ++works;
  }
  unsigned blocks() const { return works == 0 ? 0 : ends[works - 1]; }

  __device__ GridShare Share() const {
    int which = 0;
    while (blockIdx.x >= ends[which]) ++which;
    const unsigned first = which == 0 ? 0 : ends[which - 1];
    return {which, blockIdx.x - first, ends[which] - first};
  }
};

}  // namespace numeral::cuda
