// The ops of a phase as the nodes that carry them out, which may be fewer.
//
// Neighbouring losses and accuracies become one node, and so do neighbouring updates of networks,
// the step counter with what a step gathers and draws, some neighbouring ops of a layer, and the
// end of a discriminator with its losses (loss.h, update.h, sources.h, epilogue.h, head.h say
// which). A PrepareWeight has nothing to do where
// nobody reads a copy of the weight, and where the op that updated the weight in this phase has
// refreshed the copy as well.
#pragma once

#include "cuda/engine/phase_runner.h"
#include "cuda/engine/workspace.h"

namespace numeral::cuda {

// All nodes but PrepareWeights, which stay empty for AddPrepares: what they refresh is known once
// every phase has been here. Throws Error(kFailure) that names the op.
std::vector<NamedNode> CompilePhase(const Phase& phase, const Binding& binding,
                                    Workspace& workspace);
void AddPrepares(const Phase& phase, const Binding& binding, Workspace& workspace,
                 std::vector<NamedNode>& nodes);

// Where the nodes go in the phase's graph, once they are complete.
std::vector<Place> SchedulePhase(const Phase& phase, const std::vector<NamedNode>& nodes,
                                 const Binding& binding, const Workspace& workspace);

}  // namespace numeral::cuda
