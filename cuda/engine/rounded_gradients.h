// Gradients of weights that stay in bf16, as cuDNN computes them, until the update reads them: no
// launch of their own converts them.
//
// In every phase that touches such a gradient two ops do: a convolution that overwrites it, and
// later the update of the block that it is part of. Between the two it lies in the bf16 copy of
// that block, which the convolution writes and the update reads. The update leaves the converted
// numbers in the gradient's own memory, so that all gradients are behind a phase what they would be
// by conversions.
#pragma once

#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// Has the workspace of a bf16 plan keep such gradients (Workspace::KeepRounded), at most as many of
// each block as an update takes (kMaxRoundedGrads). Called before any op is compiled.
void KeepRoundedGradients(const Binding& binding, Workspace& workspace);

}  // namespace numeral::cuda
