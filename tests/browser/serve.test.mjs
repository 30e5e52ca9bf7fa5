// The page of `generate --serve` in a browser, as somebody who plays with it sees it.
import assert from "node:assert/strict";
import {execFileSync, spawn} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {createServer} from "node:net";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, afterEach, before, beforeEach, test} from "node:test";
import {build, launch, openPage, overflows, picture} from "./browser.mjs";
import {latentSize, writeGenerator} from "./generator_file.mjs";

const generate = join(build, "generate");
const quietMs = 150;  // without a request: the page has come to rest
const gridMargin = 2;  // pixels around an image that generate draws
const servers = [];
let folder, browser;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const {port} = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// Resolves when it listens.
async function serve(generator) {
  const port = await freePort();
  const process = spawn(generate, ["--generator", generator, "--serve", "--port", String(port)],
                        {stdio: ["ignore", "ignore", "pipe"]});
  servers.push(process);
  const address = `http://127.0.0.1:${port}/`;
  let said = "";
  await new Promise((done, fail) => {
    process.stderr.on("data", (data) => {
      said += data;
      if (said.includes(address)) done();
    });
    process.once("exit", () => fail(new Error(`the server ended: ${said}`)));
  });
  return {address, process};
}

const pathOf = (request) => new URL(request.url()).pathname;

// A page at rest, and what it asks for: `posts` of each path, `mostFlying` of them at a time.
async function open(address, look) {
  const page = await openPage(browser, address, {look, offline: false});
  const watch = {page, address, flying: new Set(), mostFlying: {}, posts: {}, last: Date.now()};
  page.on("request", (request) => {
    const path = pathOf(request);
    if (request.method() === "POST") (watch.posts[path] ??= []).push(request.postDataJSON());
    watch.flying.add(request);
    const together = [...watch.flying].filter((other) => pathOf(other) === path).length;
    watch.mostFlying[path] = Math.max(watch.mostFlying[path] ?? 0, together);
    watch.last = Date.now();
  });
  const landed = (request) => {
    watch.flying.delete(request);
    watch.last = Date.now();
  };
  page.on("requestfinished", landed);
  page.on("requestfailed", landed);
  await page.waitForSelector("#strip[src]");
  await rest(watch);
  return watch;
}

// Nothing complained, nobody but the server was asked.
function assertQuiet({page, address}) {
  assert.deepEqual(page.complaints, []);
  assert.ok(page.requests.length > 0);
  for (const asked of page.requests) {
    assert.ok(asked.startsWith(address) || asked.startsWith(`blob:${address}`), asked);
  }
}

async function rest(watch) {
  do {
    await new Promise((done) => setTimeout(done, quietMs / 3));
  } while (watch.flying.size > 0 || Date.now() - watch.last < quietMs);
}

// The pixels of each tile and of the strip, as text to compare.
const look = ({page}) => page.evaluate(() => {
  const strip = document.getElementById("strip");
  const canvas = document.createElement("canvas");
  canvas.width = strip.naturalWidth;
  canvas.height = strip.naturalHeight;
  canvas.getContext("2d").drawImage(strip, 0, 0);
  return {
    tiles: [...document.querySelectorAll(".tile canvas")].map((tile) => tile.toDataURL()),
    strip: canvas.toDataURL(),
    alt: strip.alt,
  };
});

// The 28x28 pixels there in a PNG, as `look` gives those of a tile.
const cut = ({page}, png, left, top) => page.evaluate(async ([base64, x, y]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 28;
  const bitmap = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
  canvas.getContext("2d").drawImage(bitmap, -x, -y);
  return canvas.toDataURL();
}, [png.toString("base64"), left, top]);

async function type(watch, text) {
  await watch.page.fill("#number", text);
  await rest(watch);
}

const message = ({page}) => page.textContent("#message");
const slider = ({page}, i) => page.getByLabel(`Latent ${i}`, {exact: true});

async function post(address, path, request) {
  const response = await fetch(address + path, {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(request),
  });
  assert.equal(response.status, 200);
  return Buffer.from(await response.arrayBuffer());
}

async function download(watch, selector) {
  const coming = watch.page.waitForEvent("download");
  await watch.page.click(selector);
  const file = await coming;
  const path = join(folder, file.suggestedFilename());
  await file.saveAs(path);
  await rest(watch);
  return {path, bytes: readFileSync(path)};
}

let conditional, unconditional, watch;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "numeral_serve_"));
  writeGenerator(join(folder, "g.bin"), true);
  writeGenerator(join(folder, "any.bin"), false);
  browser = await launch();
  conditional = await serve(join(folder, "g.bin"));
  unconditional = await serve(join(folder, "any.bin"));
});

after(async () => {
  await browser?.close();
  for (const server of servers) server.kill("SIGINT");
  if (folder) rmSync(folder, {recursive: true});
});

beforeEach(async () => {
  watch = await open(conditional.address);
});

afterEach(async () => {
  await watch.page.context().close();
});

test("the page opens with a number, asks nobody else, and has nothing to complain of", async () => {
  const seen = await look(watch);
  assert.equal(seen.alt, "The number 1234567890");
  assert.equal(new Set(seen.tiles).size, 10);
  assert.match(await watch.page.textContent("#title"), /g\.bin$/);
  assert.equal(await message(watch), "");
  assertQuiet(watch);
});

test("typing draws anew, and what stays in its place stays as it is", async () => {
  const first = await look(watch);
  await slider(watch, 1).fill("2.5");
  await rest(watch);
  const edited = await look(watch);
  await type(watch, "1239");
  const seen = await look(watch);
  assert.equal(seen.alt, "The number 1239");
  assert.equal(seen.tiles.length, 4);
  assert.notEqual(seen.strip, first.strip);
  assert.deepEqual(seen.tiles.slice(0, 3), edited.tiles.slice(0, 3));
  assert.notEqual(seen.tiles[3], first.tiles[3]);
  await type(watch, "1 234 567");
  assert.equal((await look(watch)).alt, "The number 1234567");
  assertQuiet(watch);
});

test("a slider changes its image and the strip; a double click undoes it to the bit", async () => {
  await type(watch, "2026");
  const before = await look(watch);
  const stripBefore = watch.posts["/api/strip"].at(-1);
  await watch.page.click(".tile:nth-child(3)");
  assert.match(await watch.page.textContent("#latent-heading"), /image 3, a 2/);
  await slider(watch, 5).fill("-3");
  await rest(watch);
  const after = await look(watch);
  assert.notEqual(after.strip, before.strip);
  assert.notEqual(after.tiles[2], before.tiles[2]);
  for (const other of [0, 1, 3]) assert.equal(after.tiles[other], before.tiles[other]);
  assert.equal(watch.posts["/api/strip"].at(-1).latents[2][4], -3);
  await slider(watch, 5).dblclick();
  await rest(watch);
  assert.deepEqual(await look(watch), before);
  assert.deepEqual(watch.posts["/api/strip"].at(-1), stripBefore);
  assertQuiet(watch);
});

test("dragging has one request under way, and ends with the last value", async () => {
  await type(watch, "31");
  watch.mostFlying = {};
  const box = await slider(watch, 2).boundingBox();
  const y = box.y + box.height / 2;
  await watch.page.mouse.move(box.x + box.width / 2, y);
  await watch.page.mouse.down();
  for (let i = 0; i <= 60; ++i) await watch.page.mouse.move(box.x + (i * box.width) / 60, y);
  await watch.page.mouse.up();
  await rest(watch);
  const sent = watch.posts["/api/strip"].at(-1);
  assert.equal(sent.latents[0][1], 3);
  assert.equal(await slider(watch, 2).inputValue(), "3");
  assert.equal(watch.mostFlying["/api/strip"], 1);
  assert.equal(watch.mostFlying["/api/tiles"], 1);
  const again = await post(conditional.address, "api/tiles", {latents: sent.latents, digits: "31"});
  const shown = [await cut(watch, again, 0, 0), await cut(watch, again, 28, 0)];
  assert.deepEqual((await look(watch)).tiles, shown);
  assertQuiet(watch);
});

test("everything can be done with the keyboard", async () => {
  await type(watch, "555");
  const before = await look(watch);
  await watch.page.focus(".tile:nth-child(1)");
  await watch.page.keyboard.press("ArrowRight");
  assert.equal(
      await watch.page.getAttribute(".tile:nth-child(2)", "aria-checked"), "true");
  await slider(watch, 1).focus();
  for (let i = 0; i < 20; ++i) await watch.page.keyboard.press("ArrowRight");
  await rest(watch);
  const moved = await look(watch);
  assert.notEqual(moved.tiles[1], before.tiles[1]);
  assert.equal(moved.tiles[0], before.tiles[0]);
  await watch.page.keyboard.press("Delete");
  await rest(watch);
  assert.deepEqual(await look(watch), before);
});

test("every component of the latent has a slider", async () => {
  assert.equal(await watch.page.locator(".slider").count(), 16);
  await watch.page.click("#more");
  assert.equal(await watch.page.locator(".slider").count(), latentSize);
  assert.equal(await watch.page.isVisible("#more"), false);
  await slider(watch, latentSize).fill("1.25");
  await rest(watch);
  assert.equal(watch.posts["/api/strip"].at(-1).latents[0][latentSize - 1], 1.25);
});

test("new latents for one image, for all, and back", async () => {
  await type(watch, "4711");
  const before = await look(watch);
  await watch.page.click(".tile:nth-child(2)");
  await watch.page.click("#new-one");
  await rest(watch);
  const one = await look(watch);
  assert.notEqual(one.tiles[1], before.tiles[1]);
  for (const other of [0, 2, 3]) assert.equal(one.tiles[other], before.tiles[other]);
  await watch.page.click("#new-all");
  await rest(watch);
  const all = await look(watch);
  for (const i of [0, 1, 2, 3]) assert.notEqual(all.tiles[i], before.tiles[i]);
  await watch.page.fill("#seed", "1");
  await rest(watch);
  assert.deepEqual(await look(watch), before);
  await slider(watch, 3).fill("3");
  await rest(watch);
  await watch.page.click("#reset");
  await rest(watch);
  assert.deepEqual(await look(watch), before);
});

test("latent scale and layout reach the picture", async () => {
  await type(watch, "1234567");
  const before = await look(watch);
  await watch.page.fill("#thousands", "9");
  await rest(watch);
  const spaced = await look(watch);
  assert.notEqual(spaced.strip, before.strip);
  assert.deepEqual(spaced.tiles, before.tiles);
  assert.equal(watch.posts["/api/strip"].at(-1).layout.thousands_spacing, 9);
  const drawn = watch.posts["/api/tiles"].at(-1).latents;
  await watch.page.fill("#latent-scale", "0.5");
  await rest(watch);
  const scaled = watch.posts["/api/tiles"].at(-1).latents;
  assert.deepEqual(scaled, drawn.map((row) => row.map((value) => Math.fround(value * 0.5))));
  assert.notDeepEqual((await look(watch)).tiles, before.tiles);
  await watch.page.locator("#latent-scale").dblclick();
  await rest(watch);
  assert.deepEqual(await look(watch), spaced);
  await watch.page.fill("#min-spacing", "8");
  await rest(watch);
  assert.match(await message(watch), /smallest spacing is larger/);
  await type(watch, "31");  // which is fine, and leaves what is wrong as it is
  await rest(watch);
  assert.match(await message(watch), /smallest spacing is larger/);
  await watch.page.fill("#max-spacing", "8");
  await rest(watch);
  assert.equal(await message(watch), "");
});

test("a bad number is said, and nothing breaks", async () => {
  const before = await look(watch);
  for (const [text, said] of [
    ["12a", /digits 0 to 9/], ["-5", /digits 0 to 9/], ["", /Type a number/],
    ["<b>", /digits 0 to 9/], ["1".repeat(61), /61 digits is too long; 60/],
  ]) {
    await type(watch, text);
    assert.match(await message(watch), said);
    assert.equal(await watch.page.getAttribute("#number", "aria-invalid"), "true");
    assert.deepEqual(await look(watch), before);
  }
  await watch.page.fill("#seed", "-1");
  await rest(watch);
  assert.match(await message(watch), /seed must be a whole number/);
  await watch.page.fill("#seed", "1");
  await type(watch, "1".repeat(60));
  assert.equal(await message(watch), "");
  assert.equal((await look(watch)).tiles.length, 60);
  // What only the server knows: the picture of so many is too wide.
  await watch.page.fill("#scale", "32");
  await watch.page.locator("#message", {hasText: /60 digits.*16384/}).waitFor();
  await rest(watch);
  await type(watch, "12");
  await rest(watch);
  assert.equal(await message(watch), "");
  assert.equal((await look(watch)).alt, "The number 12");
});

test("downloads are what the server draws, and the latent draws its image again", async () => {
  await type(watch, "60");
  await slider(watch, 2).fill("1.37");
  await rest(watch);
  const strip = await download(watch, "#download-strip");
  assert.match(strip.path, /\/60\.png$/);
  const asked = watch.posts["/api/strip"].at(-1);
  assert.deepEqual(strip.bytes, await post(conditional.address, "api/strip", asked));
  const latent = await download(watch, "#download-latent");
  assert.deepEqual(latent.bytes.toString().trim().split("\n").map((line) => Math.fround(line)),
                   asked.latents[0]);
  const command = await watch.page.textContent("#command");
  execFileSync("sh", ["-c", `${command} --scale 1 --out again.png`],
               {cwd: folder, env: {...process.env, PATH: `${build}:${process.env.PATH}`}});
  const again = await cut(watch, readFileSync(join(folder, "again.png")), gridMargin, gridMargin);
  assert.equal(again, (await look(watch)).tiles[0]);
});

test("images whose digits nobody knows come by number", async () => {
  const other = await open(unconditional.address);
  assert.equal(await other.page.isVisible("#number"), false);
  await other.page.fill("#count", "5");
  await rest(other);
  const before = await look(other);
  assert.equal(before.alt, "5 images");
  assert.equal(new Set(before.tiles).size, 5);
  await other.page.click(".tile:nth-child(4)");
  await other.page.click("#new-one");
  await rest(other);
  const after = await look(other);
  assert.deepEqual(before.tiles.map((tile, i) => tile === after.tiles[i]),
                   [true, true, true, false, true]);
  assertQuiet(other);
  await other.page.context().close();
});

test("light, dark and narrow screens have all of it", async () => {
  for (const look of ["light", "dark", "narrow"]) {
    const other = await open(conditional.address, look);
    await type(other, "12345678901234567890");
    assert.equal(await overflows(other.page), false, look);
    const ground = await other.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(Number(ground.match(/\d+/)[0]) < 128, look === "dark");
    await picture(other.page, `serve_${look}`);
    assertQuiet(other);
    await other.page.context().close();
  }
});

test("a server that ends is said, and ends well", async () => {
  const short = await serve(join(folder, "g.bin"));
  const other = await open(short.address);
  const ended = new Promise((done) => short.process.once("exit", (code) => done(code)));
  short.process.kill("SIGINT");
  assert.equal(await ended, 0);
  await type(other, "77");
  assert.match(await message(other), /does not answer/);
  await other.page.context().close();
});
