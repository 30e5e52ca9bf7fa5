// From one latent to another.
#pragma once

#include <span>
#include <vector>

namespace numeral {

// `steps` latents [steps][size] from `from` to `to`, both included, at least 2: along the great
// circle between them, since the length of a latent drawn from a normal distribution hardly varies
// and a straight line would leave that shell. Shoemake, "Animating Rotation with Quaternion
// Curves", SIGGRAPH 1985; the length goes over evenly beside it. Latents that are parallel,
// opposite or zero have no one circle: a straight line there.
std::vector<float> Interpolate(std::span<const float> from, std::span<const float> to, int steps);

}  // namespace numeral
