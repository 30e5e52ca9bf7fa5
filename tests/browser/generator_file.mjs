// A generator that nobody trained: one dense layer of fixed pseudo-random weights, as a weights
// file. Its images are noise that follows from the latent and the digit.
import {writeFileSync} from "node:fs";

const pixels = 28 * 28;
export const latentSize = 40;

// Xorshift, Marsaglia 2003.
function* noise(state) {
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) / 2 ** 32 - 0.5;
  }
}

export function writeGenerator(path, conditional) {
  const width = latentSize + (conditional ? 10 : 0);
  const inputs = {z: {kind: "latent", size: latentSize}};
  if (conditional) inputs.digit = {kind: "digit"};
  const network = {
    inputs,
    layers: [
      {name: "joined", type: "concat", inputs: ["z", "digit"]},
      {name: "pixels", type: "dense", units: pixels},
      {name: "image", type: "reshape", shape: [28, 28, 1]},
      {name: "grey", type: "tanh"},
    ].slice(conditional ? 0 : 1),
  };
  const weights = (pixels * width) * 4, biases = pixels * 4;
  const header = Buffer.from(JSON.stringify({
    __metadata__: {
      format: "pt", convention: "pytorch", role: "generator", pixel_range: "-1,1",
      network: JSON.stringify(network),
    },
    "pixels.weight": {dtype: "F32", shape: [pixels, width], data_offsets: [0, weights]},
    "pixels.bias": {dtype: "F32", shape: [pixels], data_offsets: [weights, weights + biases]},
  }));
  const values = noise(12345);
  const data = Float32Array.from({length: (weights + biases) / 4}, () => values.next().value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, header, Buffer.from(data.buffer)]));
}
