// Reports and comparisons of small real runs, opened from the disk without a network.
import assert from "node:assert/strict";
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {pathToFileURL} from "node:url";
import {launch, looks, openPage, overflows, picture} from "./browser.mjs";
import {classifierConfig, generatorConfig, runTool, writeData} from "./tiny_run.mjs";

const hostile = "<script>alert(1)<";  // also a name of a folder, so without a slash
let browser, folder;

function read(...path) {
  return readFileSync(join(folder, ...path));
}
function epochsOf(run) {
  return read("runs", run, "metrics.jsonl").toString().trim().split("\n").map((l) => JSON.parse(l));
}
function open(file, options) {
  return openPage(browser, pathToFileURL(join(folder, file)).href, options);
}
// Texts and exact values of a table's rows.
function rowsOf(page, selector) {
  return page.$$eval(selector + " tbody tr", (rows) => rows.map((row) => [...row.cells].map(
    (cell) => ({text: cell.textContent, value: cell.dataset.value}))));
}
function valuesOf(rows, label) {
  const row = rows.find((cells) => cells[0].text === label);
  assert.ok(row, `a row "${label}"`);
  return row.slice(1).map((cell) => cell.value === undefined ? undefined : Number(cell.value));
}
// Nothing complained, nothing but the page itself was asked for.
function assertQuiet(page) {
  assert.deepEqual(page.complaints, []);
  assert.ok(page.requests.length > 0);
  for (const address of page.requests) assert.match(address, /^(file|data):/);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "numeral_browser_"));
  writeData(join(folder, "data"));
  const config = {...generatorConfig, description: "Bars & blots </script><b>"};
  writeFileSync(join(folder, "tiny.json"), JSON.stringify(config));
  writeFileSync(join(folder, "reader.json"), JSON.stringify(classifierConfig));
  runTool(folder, "trainer", ["reader.json", "--quiet"]);
  const judged = ["--quiet", "--classifier", "runs/reader/c.bin", "--set", "/evaluation/samples=100"];
  runTool(folder, "trainer", ["tiny.json", ...judged, "--max-steps", "15"]);
  runTool(folder, "trainer", ["tiny.json", ...judged, "--resume"]);
  runTool(folder, "trainer", ["tiny.json", ...judged, "--seed", "2", "--run-dir", "runs/" + hostile]);
  runTool(folder, "evaluate", ["--classifier", "runs/reader/c.bin", "--generator",
                               "runs/tiny/g.bin", "--samples", "60", "--quiet"]);
  runTool(folder, "report", ["runs/tiny", "runs/" + hostile, "runs/reader", "--sort", "recall"]);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, {recursive: true});
});

test("the report opens without errors and without a network", async () => {
  for (const file of ["runs/tiny/report.html", "runs/reader/report.html", "comparison.html"]) {
    for (const look of Object.keys(looks)) {
      const page = await open(file, {look});
      assert.equal(await overflows(page), false, `${file} ${look}`);
      await picture(page, file.replace(/^runs.|\.html$/g, "").replace("/", "_") + "_" + look);
      const unseen = await page.$$eval("img", (all) => all.filter((i) => !i.naturalWidth).length);
      assert.equal(unseen, 0);
      assertQuiet(page);
      await page.context().close();
    }
  }
});

test("the slider shows the sample of each epoch, byte for byte", async () => {
  const page = await open("runs/tiny/report.html");
  const shown = async () => {
    const source = await page.getAttribute("#sample", "src");
    assert.match(source, /^data:image\/png;base64,/);
    return Buffer.from(source.split(",")[1], "base64");
  };
  const sample = (epoch) => read("runs/tiny/samples", `epoch_000${epoch}.png`);
  assert.deepEqual(await shown(), sample(3));
  for (const [index, epoch] of [[0, 1], [1, 2], [2, 3]]) {
    await page.fill("#epoch", String(index));
    assert.deepEqual(await shown(), sample(epoch));
    assert.equal(await page.textContent("#epoch-label"), `epoch ${epoch}`);
  }
  assert.notDeepEqual(sample(1), sample(3));

  await page.click("h1");
  await page.keyboard.press("ArrowLeft");
  assert.deepEqual(await shown(), sample(2));
  await page.focus("#epoch");
  await page.keyboard.press("Home");
  assert.deepEqual(await shown(), sample(1));

  await page.click("#play");
  assert.deepEqual(await shown(), sample(2));
  await page.locator("#epoch-label", {hasText: "epoch 3"}).waitFor();
  await page.click("#play");
  assert.equal(await page.textContent("#play"), "Play");
  assertQuiet(page);
});

test("the tables hold the numbers of metrics.jsonl", async () => {
  const page = await open("runs/tiny/report.html");
  const epochs = epochsOf("tiny");
  assert.equal(epochs.length, 3);
  const summary = await rowsOf(page, "#summary");
  assert.equal(valuesOf(summary, "generator's loss")[0], epochs[2].g_loss);
  const fids = epochs.map((line) => line.fid_c);
  const best = fids.indexOf(Math.min(...fids));
  assert.deepEqual(valuesOf(summary, "FID-C").slice(0, 3), [fids[2], fids[best], best + 1]);
  const recalls = epochs.map((line) => line.recall);
  assert.equal(valuesOf(summary, "recall")[1], Math.max(...recalls));

  const names = await page.$$eval("#epochs th", (headers) => headers.map((h) => h.textContent));
  const rows = await rowsOf(page, "#epochs");
  assert.equal(rows.length, 3);
  const columns = {"epoch": "epoch", "step": "step", "seconds": "seconds", "S1": "s1",
                   "discriminator's loss": "d_loss", "D right on real": "d_accuracy_real",
                   "D right on real, checked": "checked_accuracy_real", "images/s": "images_per_second"};
  for (const [name, key] of Object.entries(columns)) {
    const column = names.indexOf(name);
    assert.notEqual(column, -1, name);
    const values = rows.map((row) => Number(row[column].value));
    assert.deepEqual(values, epochs.map((line) => line[key]), name);
  }
  const s1 = rows[2][names.indexOf("S1")].text;
  assert.equal(s1, (100 * epochs[2].s1).toFixed(2) + "%");
});

test("the tables hold the numbers of evaluation.json", async () => {
  const page = await open("runs/tiny/report.html");
  const figures = JSON.parse(read("runs/tiny/evaluation/evaluation.json"));
  const rows = await rowsOf(page, "#evaluation");
  const errors = (name) => valuesOf(rows, name).slice(1, 4);
  for (const [name, part] of [["S0, real images", figures.s0], ["S1, generated images", figures.s1]]) {
    assert.deepEqual(errors(name), [part.errors, part.samples, part.error_rate]);
  }
  const real = figures.real_training_images;
  for (const [name, key] of [["FID-C", "fid_c"], ["recall", "recall"], ["class KL", "kl"],
                             ["unsure (< 0.9)", "unsure_share"]]) {
    assert.deepEqual(valuesOf(rows, name).slice(0, 2), [figures[key], real[key]], name);
  }
  const pictures = await page.$$eval("#evaluation img", (all) => all.map((i) => i.src));
  for (const name of ["confusion.png", "mistakes.png"]) {
    const uri = "data:image/png;base64," + read("runs/tiny/evaluation", name).toString("base64");
    assert.ok(pictures.includes(uri), name);
  }
});

test("config, machine and commands can be read", async () => {
  const page = await open("runs/tiny/report.html");
  const config = await page.textContent("#config pre");
  assert.deepEqual(JSON.parse(config), JSON.parse(read("runs/tiny/config.json")));
  const facts = JSON.parse(read("runs/tiny/run.json"));
  const text = await page.textContent("#run");
  for (const part of [facts.command, facts.engine, facts.machine.processor, facts.started,
                      "at step 15", "trainer runs/tiny/config.json --run-dir runs/tiny_again"]) {
    assert.ok(text.includes(part), part);
  }
});

test("the comparison sorts by its columns", async () => {
  const page = await open("comparison.html");
  const names = () => page.$$eval("#runs tbody tr", (rows) => rows.map((r) => r.cells[0].textContent));
  const sorted = () => page.$$eval("#runs th[aria-sort]", (all) => all.map(
    (h) => h.dataset.column + " " + h.getAttribute("aria-sort")));
  assert.deepEqual((await names()).sort(), [hostile, "reader", "tiny"]);
  // By evaluate's recall, which one run alone has.
  assert.equal((await names())[0], "tiny");
  assert.deepEqual(await sorted(), ["recall descending"]);

  const loss = {tiny: epochsOf("tiny")[2].g_loss, [hostile]: epochsOf(hostile)[2].g_loss};
  const rising = loss.tiny < loss[hostile] ? ["tiny", hostile] : [hostile, "tiny"];
  const button = page.locator("#runs th[data-column=g_loss] button");
  await button.click();
  assert.deepEqual(await names(), [...rising, "reader"]);  // without a figure: last
  assert.deepEqual(await sorted(), ["g_loss ascending"]);
  await button.click();
  assert.deepEqual(await names(), [...rising.reverse(), "reader"]);
  await page.locator("#runs th[data-column=test_accuracy] button").click();
  assert.equal((await names())[0], "reader");
  await page.locator("#runs th button").first().click();
  assert.deepEqual(await names(), [hostile, "reader", "tiny"].sort((a, b) => a.localeCompare(b)));

  assert.equal(await page.locator("#samples img").count(), 2);
  const differences = await rowsOf(page, "#differences");
  const seed = differences.find((row) => row[0].text === "/seed").map((cell) => cell.text);
  assert.deepEqual(seed.slice(1).sort(), ["1", "1", "2"]);
  assertQuiet(page);
});

test("names and texts from files stay text", async () => {
  for (const file of [`runs/${hostile}/report.html`, "comparison.html"]) {
    const page = await open(file);
    const text = await page.textContent("body");
    assert.ok(text.includes(hostile));
    assert.equal(await page.locator("main script:not([type='application/json'])").count(), 0);
    assertQuiet(page);
  }
  const page = await open("runs/tiny/report.html");
  const text = await page.textContent("main");
  assert.ok(text.includes("Bars & blots </script><b>"));
  assert.equal(await page.locator("main b").count(), 0);
});
