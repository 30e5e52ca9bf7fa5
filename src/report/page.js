// What moves in reports and comparisons: the samples of the epochs, tables that sort, commands that
// copy themselves. Every part looks for its elements and is silent where they are not.
"use strict";

function showSamples() {
  const data = document.getElementById("sample-data");
  if (!data) return;
  const samples = JSON.parse(data.textContent);
  const image = document.getElementById("sample");
  const slider = document.getElementById("epoch");
  const label = document.getElementById("epoch-label");
  const play = document.getElementById("play");
  const longest = 6000, slowest = 500, rest = 1500;  // milliseconds
  let timer = 0;

  function show(index) {
    const sample = samples[index];
    slider.value = index;
    image.src = "data:image/png;base64," + sample.png;
    image.alt = label.textContent = "epoch " + sample.epoch;
    slider.setAttribute("aria-valuetext", label.textContent);
  }
  function stop() {
    clearTimeout(timer);
    timer = 0;
    play.textContent = "Play";
  }
  function advance() {
    const next = (Number(slider.value) + 1) % samples.length;
    show(next);
    const pause = Math.min(slowest, longest / samples.length);
    timer = setTimeout(advance, next === samples.length - 1 ? rest : pause);
  }
  function toggle() {
    if (timer) return stop();
    play.textContent = "Pause";
    advance();
  }
  function step(by) {
    stop();
    show(Math.max(0, Math.min(samples.length - 1, Number(slider.value) + by)));
  }

  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  play.addEventListener("click", toggle);
  // Beside the slider's own keys: anywhere on the page that has no use for them.
  document.addEventListener("keydown", (event) => {
    const taken = event.target.closest("input, button, summary, a, pre, .scroll");
    if (taken || event.ctrlKey || event.altKey || event.metaKey) return;
    const action = {ArrowLeft: () => step(-1), ArrowRight: () => step(1), " ": toggle}[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

// Rows without the figure come last, whichever way the others stand.
function compareCells(a, b, sign) {
  const x = a.dataset.value, y = b.dataset.value;
  if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
  const numbers = a.classList.contains("number");
  return sign * (numbers ? Number(x) - Number(y) : x.localeCompare(y));
}

function sortTable(table, header) {
  const headers = [...table.querySelectorAll("th[data-column]")];
  const column = headers.indexOf(header);
  const first = header.dataset.better === "higher" ? "descending" : "ascending";
  const other = first === "ascending" ? "descending" : "ascending";
  const order = header.getAttribute("aria-sort") === first ? other : first;
  for (const each of headers) each.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  const rows = [...table.tBodies[0].rows];
  const sign = order === "ascending" ? 1 : -1;
  rows.sort((a, b) => compareCells(a.cells[column], b.cells[column], sign));
  table.tBodies[0].append(...rows);
}

function makeSortable(table) {
  for (const header of table.querySelectorAll("th[data-column]")) {
    header.querySelector("button").addEventListener("click", () => sortTable(table, header));
  }
}

function makeCopying(button) {
  const text = button.parentElement.querySelector("pre");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);  // to be copied by hand
    }
  });
}

showSamples();
document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("button.copy").forEach(makeCopying);
