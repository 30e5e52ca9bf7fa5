// The page of `generate --serve`: what is wanted, how it looks, and the latents behind it.
//
// A tile is one image: its digit (null where nobody knows it), the latent as it was drawn, and the
// latent as it is now. All numbers of latents are exact 32-bit floats, so that what the page sends
// is what the server drew. Whatever changes ends in redraw().

const $ = (id) => document.getElementById(id);
const side = 28;  // pixels of an image
const firstSliders = 16, moreSliders = 48;
const mostTries = 20;  // while the server is busy

let info;
let tiles = [];
let chosen = 0;
let shownSliders = firstSliders;

// ---- Talking to the server -------------------------------------------------------------------

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// A problem that is said to the user in its own words.
class Problem extends Error {}

async function ask(path, request) {
  const options = request === undefined ? {} : {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(request),
  };
  for (let left = mostTries; ; --left) {
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Problem("The server does not answer. Is it still running?");
    }
    if (response.ok) return response;
    const text = await response.text();
    if (response.status === 503 && left > 0) {
      await pause(250);
      continue;
    }
    let sentence = `the server answered ${response.status}`;
    try {
      sentence = JSON.parse(text).error;
    } catch { /* not the server's own words */ }
    throw new Problem(sentence[0].toUpperCase() + sentence.slice(1) + ".");
  }
}

// What is wrong, of each action that failed when it was last tried.
const complaints = new Map();

// At most one call of `action` is under way. Calls meanwhile become one more, with the newest
// values, which `action` reads itself.
function oneAtATime(action) {
  let busy = false, again = false;
  return async () => {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      try {
        await action();
        complaints.delete(action);
      } catch (error) {
        if (!(error instanceof Problem)) console.error(error);
        complaints.set(action, error.message);
      }
      say([...complaints.values()][0] ?? "");
    }
    busy = false;
  };
}

function say(text) {
  if ($("message").textContent !== text) $("message").textContent = text;
}

// ---- What is wanted --------------------------------------------------------------------------

function readWhole(id, name) {
  const input = $(id);
  const value = Number(input.value);
  const good = input.value !== "" && Number.isSafeInteger(value) &&
      value >= Number(input.min) && (input.max === "" || value <= Number(input.max));
  input.setAttribute("aria-invalid", String(!good));
  if (!good) {
    throw new Problem(`${name} must be a whole number from ${input.min} to ${input.max}.`);
  }
  return value;
}

function readDigits() {
  const digits = $("number").value.replace(/[\s,.']/g, "");
  let problem = "";
  if (!/^[0-9]*$/.test(digits)) problem = "A number has the digits 0 to 9 and nothing else.";
  if (digits === "") problem = "Type a number.";
  if (digits.length > info.most_digits) {
    problem = `A number of ${digits.length} digits is too long; ${info.most_digits} is the most.`;
  }
  $("number").setAttribute("aria-invalid", String(problem !== ""));
  if (problem !== "") throw new Problem(problem);
  return digits;
}

const readWanted = () =>
    info.knows_digits ? {digits: readDigits()} : {count: readWhole("count", "Images")};

async function drawLatents(wanted) {
  const answer = await (await ask("api/draw", wanted)).json();
  return answer.latents.map((latent, i) => ({
    digit: answer.digits === null ? null : answer.digits[i],
    drawn: latent.map(Math.fround),
    latent: latent.map(Math.fround),
    canvas: null,
  }));
}

// The seed of the tiles that are there; another one replaces them all.
let drawnSeed = null;

// Images that stay what they are keep their place and their sliders.
const draw = oneAtATime(async () => {
  const seed = readWhole("seed", "The seed");
  const fresh = await drawLatents({...readWanted(), seed});
  const keep = seed === drawnSeed;
  tiles = fresh.map((tile, i) =>
      keep && i < tiles.length && tiles[i].digit === tile.digit ? tiles[i] : tile);
  drawnSeed = seed;
  chosen = Math.min(chosen, tiles.length - 1);
  showTiles();
  showSliders();
  redraw();
});

let seedOfOne = null;

const drawOne = oneAtATime(async () => {
  const tile = tiles[chosen];
  const seed = seedOfOne;
  const wanted = info.knows_digits ? {digits: tile.digit} : {count: 1};
  const [fresh] = await drawLatents({...wanted, seed});
  tile.drawn = fresh.drawn;
  tile.latent = fresh.latent;
  showSliders();
  redraw();
});

// ---- Pictures --------------------------------------------------------------------------------

const latentScale = () => Number($("latent-scale").value);
const scaledLatent = (tile) => tile.latent.map((value) => Math.fround(value * latentScale()));

function readLayout() {
  const layout = {
    min_spacing: readWhole("min-spacing", "The smallest spacing"),
    max_spacing: readWhole("max-spacing", "The largest spacing"),
    thousands_spacing: readWhole("thousands", "The gap at thousands"),
    scale: readWhole("scale", "The enlargement"),
    seed: drawnSeed,
  };
  if (layout.min_spacing > layout.max_spacing) {
    throw new Problem("The smallest spacing is larger than the largest.");
  }
  return layout;
}

const redraw = oneAtATime(async () => {
  if (tiles.length === 0) return;
  const drawn = tiles;
  const images = {latents: drawn.map(scaledLatent)};
  if (drawn.every((tile) => tile.digit !== null)) {
    images.digits = drawn.map((tile) => tile.digit).join("");
  }
  const [strip, sheet] = await Promise.all([
    ask("api/strip", {...images, layout: readLayout()}).then((response) => response.blob()),
    ask("api/tiles", images).then((response) => response.blob()),
  ]);
  showStrip(strip, images.digits);
  const bitmap = await createImageBitmap(sheet);
  drawn.forEach((tile, i) => {
    tile.canvas?.getContext("2d").drawImage(
        bitmap, i * side, 0, side, side, 0, 0, side, side);
  });
  bitmap.close();
});

function showStrip(blob, digits) {
  const url = URL.createObjectURL(blob);
  const old = $("strip").src;
  $("strip").src = url;
  $("strip").alt = digits === undefined ? `${tiles.length} images` : `The number ${digits}`;
  $("download-strip").href = url;
  $("download-strip").download = `${digits ?? "images"}.png`;
  if (old !== "") URL.revokeObjectURL(old);
}

function makeTile(tile, i) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tile";
  button.setAttribute("role", "radio");
  const digit = tile.digit === null ? "" : `: ${tile.digit}`;
  button.setAttribute("aria-label", `Image ${i + 1}${digit}`);
  // A tile that stays keeps its picture until the next one comes.
  if (tile.canvas === null) {
    tile.canvas = document.createElement("canvas");
    tile.canvas.width = tile.canvas.height = side;
  }
  button.append(tile.canvas, tile.digit ?? String(i + 1));
  button.addEventListener("click", () => choose(i));
  return button;
}

function showTiles() {
  const hadFocus = $("tiles").contains(document.activeElement);
  $("tiles").replaceChildren(...tiles.map(makeTile));
  markChosen();
  if (hadFocus) $("tiles").children[chosen].focus();
}

function markChosen() {
  [...$("tiles").children].forEach((button, i) => {
    button.setAttribute("aria-checked", String(i === chosen));
    button.tabIndex = i === chosen ? 0 : -1;
  });
}

function choose(i) {
  chosen = i;
  markChosen();
  showSliders();
}

// ---- Sliders ---------------------------------------------------------------------------------

function makeSlider(i) {
  const label = document.createElement("label");
  label.className = "slider";
  const slider = document.createElement("input");
  Object.assign(slider, {type: "range", min: -3, max: 3, step: 0.01});
  slider.setAttribute("aria-label", `Latent ${i + 1}`);
  const set = (value) => {
    tiles[chosen].latent[i] = value;
    showSlider(label, i);
    redraw();
  };
  const reset = () => {
    slider.value = tiles[chosen].drawn[i];
    set(tiles[chosen].drawn[i]);
  };
  slider.addEventListener("input", () => set(Math.fround(slider.value)));
  slider.addEventListener("dblclick", reset);
  slider.addEventListener("keydown", (event) => {
    if (event.key === "Delete" || event.key === "Backspace") reset();
  });
  label.append(String(i + 1), slider, document.createElement("output"));
  return label;
}

function showSlider(label, i) {
  const tile = tiles[chosen];
  label.lastChild.textContent = tile.latent[i].toFixed(2);
  label.classList.toggle("changed", tile.latent[i] !== tile.drawn[i]);
}

function showSliders() {
  const count = Math.min(shownSliders, info.latent_size);
  const labels = $("sliders").children;
  while (labels.length < count) $("sliders").append(makeSlider(labels.length));
  const tile = tiles[chosen];
  [...labels].forEach((label, i) => {
    label.querySelector("input").value = tile.latent[i];
    showSlider(label, i);
  });
  const rest = info.latent_size - count;
  $("more").hidden = rest === 0;
  $("more").textContent = `Show ${Math.min(rest, moreSliders)} more of ${info.latent_size}`;
  $("latent-heading").textContent = `Latent of image ${chosen + 1}` +
      (tile.digit === null ? "" : `, a ${tile.digit}`);
  $("redraw").hidden = info.redraw_command === "";
  $("command").textContent = `${info.redraw_command} --latents ${latentFile()}` +
      (info.needs_digits ? ` --digits ${tile.digit}` : "");
}

const latentFile = () => `latent_${chosen + 1}` +
    (tiles[chosen].digit === null ? "" : `_of_a_${tiles[chosen].digit}`) + ".txt";

const downloadLatent = oneAtATime(async () => {
  const name = latentFile();
  const response = await ask("api/latent", {latent: scaledLatent(tiles[chosen])});
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

// ---- Controls --------------------------------------------------------------------------------

function newSeedForAll() {
  $("seed").value = Number.isSafeInteger(Number($("seed").value) + 1) ?
      Number($("seed").value) + 1 : 1;
  draw();
}

function moveChoice(event) {
  const step = {ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1}[event.key];
  if (step === undefined) return;
  event.preventDefault();
  choose((chosen + step + tiles.length) % tiles.length);
  $("tiles").children[chosen].focus();
}

function listen() {
  $("wanted").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["number", "count", "seed"]) $(id).addEventListener("input", draw);
  for (const id of ["min-spacing", "max-spacing", "thousands", "scale"]) {
    $(id).addEventListener("input", redraw);
  }
  const showScale = () => {
    $("latent-scale-value").textContent = latentScale().toFixed(2);
    redraw();
  };
  $("latent-scale").addEventListener("input", showScale);
  $("latent-scale").addEventListener("dblclick", () => {
    $("latent-scale").value = 1;
    showScale();
  });
  $("tiles").addEventListener("keydown", moveChoice);
  $("new-all").addEventListener("click", newSeedForAll);
  $("new-one").addEventListener("click", () => {
    seedOfOne = crypto.getRandomValues(new Uint32Array(1))[0];
    drawOne();
  });
  $("reset").addEventListener("click", () => {
    tiles[chosen].latent = [...tiles[chosen].drawn];
    showSliders();
    redraw();
  });
  $("more").addEventListener("click", () => {
    shownSliders += moreSliders;
    showSliders();
  });
  $("download-latent").addEventListener("click", downloadLatent);
}

async function begin() {
  try {
    info = await (await ask("api/info")).json();
  } catch (error) {
    say(error.message);
    return;
  }
  $("title").textContent = info.title;
  $("number-field").hidden = !info.knows_digits;
  $("count-field").hidden = info.knows_digits;
  $("number").value = info.number;
  $("count").value = info.number.length;
  $("count").max = info.most_digits;
  $("seed").value = info.seed;
  listen();
  draw();
}

begin();
