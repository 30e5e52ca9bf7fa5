// Small real runs by the built programs, on a data set of a few bars and blots.
import {execFileSync} from "node:child_process";
import {mkdirSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {build} from "./browser.mjs";

const side = 28;

// Digit d is a bar at its own height, somewhat moved and lit by the image's number.
function images(count) {
  const pixels = Buffer.alloc(count * side * side);
  for (let i = 0; i < count; ++i) {
    const top = 2 * (i % 10) + 3, left = 2 + (i * 7) % 9;
    for (let y = top; y < top + 4; ++y) {
      pixels.fill(150 + (i * 13) % 100, (i * side + y) * side + left, (i * side + y) * side + left + 14);
    }
  }
  return pixels;
}

function idx(magic, sizes) {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  [magic, ...sizes].forEach((value, i) => header.writeUInt32BE(value, 4 * i));
  return header;
}

export function writeData(dir) {
  mkdirSync(join(dir, "mnist"), {recursive: true});
  for (const [prefix, count] of [["train", 200], ["t10k", 100]]) {
    const labels = Buffer.from(Array.from({length: count}, (_, i) => i % 10));
    writeFileSync(join(dir, "mnist", prefix + "-images-idx3-ubyte"),
                  Buffer.concat([idx(0x803, [count, side, side]), images(count)]));
    writeFileSync(join(dir, "mnist", prefix + "-labels-idx1-ubyte"),
                  Buffer.concat([idx(0x801, [count]), labels]));
  }
}

const flat = {type: "flatten"};
export const generatorConfig = {
  name: "tiny",
  networks: {
    generator: {
      inputs: {z: {kind: "latent", size: 4}, digit: {kind: "digit"}},
      layers: [
        {type: "concat", inputs: ["z", "digit"]},
        {type: "dense", units: 784},
        {type: "tanh"},
        {type: "reshape", shape: [side, side, 1]},
      ],
    },
    discriminator: {
      inputs: {image: {kind: "image"}},
      layers: [flat, {type: "dense", units: 10}],
    },
  },
  training: {epochs: 3, batch_size: 20, loss: {type: "digit_or_zeros"}},
  output: {grid: [10, 4], accuracy_every: 1},
};
export const classifierConfig = {
  name: "reader",
  networks: {
    classifier: {
      inputs: {image: {kind: "image"}},
      layers: [flat, {type: "dense", units: 8}, {type: "relu"}, {type: "dense", units: 10}],
    },
  },
  training: {epochs: 3, batch_size: 20, optimizers: {classifier: {learning_rate: 0.01}}},
};

// Runs a built program in the folder; throws what it said where it fails.
export function runTool(folder, name, args) {
  try {
    const {NUMERAL_DATA, ...env} = process.env;
    execFileSync(join(build, name), args, {cwd: folder, env, encoding: "utf8", stdio: "pipe"});
  } catch (error) {
    throw new Error(`${name} ${args.join(" ")}: ${error.stderr ?? error}`);
  }
}
