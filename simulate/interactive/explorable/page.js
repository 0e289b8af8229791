"use strict";
const head = JSON.parse(document.getElementById("head").textContent);
const axes = head.axes, names = head.names, points = head.points;
const shown = { d: value => "10" + raised(Math.round(Math.log10(value))), n: String, signal: String, alpha: String, tau: String };
const called = { d: "dimension d", n: "samples n", signal: "signal ‖φ‖", alpha: "weight α", tau: "radius τ" };
const at = { d: 2, n: 1, signal: 3, alpha: 1, tau: 1, optimizer: 0 };
let numbers = null;

function raised(number) { return [...String(number)].map(sign => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join(""); }

async function unpack() {
  const packed = Uint8Array.from(atob(document.getElementById("numbers").textContent), sign => sign.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const half = bytes.length / 2, made = new Int16Array(half);
  for (let i = 0; i < half; i++) {
    const step = bytes[i] | (bytes[half + i] << 8);
    made[i] = i % points === 0 ? step : made[i - 1] + step;
  }
  return made;
}

function place(where) {
  const radii = axes.tau.length, steps = 1 + (head.optimizers.length - 1) * radii;
  const last = where.optimizer === 0 ? 0 : 1 + (where.optimizer - 1) * radii + where.tau;
  let found = where.d;
  for (const name of ["n", "signal", "alpha"]) found = found * axes[name].length + where[name];
  return found * steps + last;
}

function curve(where, name) {
  const column = names.indexOf(name), start = (place(where) * names.length + column) * points, made = [];
  for (let i = 0; i < points; i++) {
    const value = numbers[start + i];
    made.push(value === head.nothing ? NaN : value * head.scales[column]);
  }
  return made;
}

function minus(number) { return String(number).replace("-", "−"); }

function lastOf(values) { return values.filter(Number.isFinite).at(-1); }

function errorAt(where, before) {
  const steps = curve(where, "step"), errors = curve(where, "log_error");
  return before ? errors[steps.findLastIndex(step => Math.round(step) <= head.pretraining)] : lastOf(errors);
}

/* --- the controls --- */

function build() {
  const controls = document.getElementById("controls");
  const choices = head.optimizers.map((name, i) =>
    `<label><input type="radio" name="optimizer" value="${i}">${name === "SharpMinMax" ? "Sharp MinMax" : name}</label>`);
  controls.innerHTML = `<fieldset><legend>unlearn with</legend>${choices.join("")}</fieldset>` + Object.keys(axes).map(name =>
    `<label for="${name}"><span>${called[name]}</span>` +
    `<input type="range" id="${name}" min="0" max="${axes[name].length - 1}" step="1"><output for="${name}"></output></label>`).join("");
  for (const name of Object.keys(axes)) {
    document.getElementById(name).addEventListener("input", event => move({ [name]: Number(event.target.value) }));
  }
  for (const radio of controls.querySelectorAll("input[type=radio]")) {
    radio.addEventListener("change", () => move({ optimizer: Number(radio.value) }));
  }
  document.getElementById("before").addEventListener("change", draw);
  const map = document.getElementById("map");
  const touch = event => { if (event.type === "pointerdown" || event.buttons) pick(event); };
  map.addEventListener("pointerdown", touch);
  map.addEventListener("pointermove", touch);
  window.addEventListener("hashchange", () => { read(); draw(); });
}

function move(change) {
  Object.assign(at, change);
  history.replaceState(null, "", "#" + Object.entries(at).map(([name, value]) => `${name}=${value}`).join("&"));
  draw();
}

function read() {
  for (const [name, word] of new URLSearchParams(location.hash.slice(1))) {
    const most = name === "optimizer" ? head.optimizers.length : axes[name]?.length ?? 0, value = Number(word);
    if (Number.isInteger(value) && value >= 0 && value < most) at[name] = value;
  }
  for (const name of Object.keys(axes)) at[name] = Math.min(at[name], axes[name].length - 1);
}

function sync() {
  for (const name of Object.keys(axes)) {
    const slider = document.getElementById(name), told = shown[name](axes[name][at[name]]);
    slider.value = at[name];
    slider.setAttribute("aria-valuetext", told);
    slider.parentElement.querySelector("output").textContent = told;
  }
  document.querySelector(`input[name=optimizer][value="${at.optimizer}"]`).checked = true;
  document.getElementById("tau").disabled = at.optimizer === 0;
  document.getElementById("tau").parentElement.classList.toggle("off", at.optimizer === 0);
}

/* --- the map --- */

const room = { left: 34, top: 4, cell: 52, row: 24 };

function shade(log) {  // cividis: light is right, dark is guessing
  const part = Math.min(1, Math.max(0, 10 ** log / 0.5)), mix = (a, b) => Math.round(a + (b - a) * part);
  return `rgb(${mix(255, 0)},${mix(234, 32)},${mix(70, 77)})`;
}

function drawMap() {
  const map = document.getElementById("map"), before = document.getElementById("before").checked;
  const rows = axes.signal.length, columns = axes.d.length;
  map.setAttribute("viewBox", `0 0 ${room.left + columns * room.cell} ${room.top + rows * room.row + 18}`);
  let made = "";
  for (let row = 0; row < rows; row++) {
    const y = room.top + (rows - 1 - row) * room.row;
    made += `<text x="${room.left - 5}" y="${y + 16}" text-anchor="end">${axes.signal[row]}</text>`;
    for (let column = 0; column < columns; column++) {
      const log = errorAt({ ...at, d: column, signal: row }, before), x = room.left + column * room.cell;
      made += `<rect x="${x}" y="${y}" width="${room.cell - 1}" height="${room.row - 1}" fill="${shade(log)}"/>`;
    }
  }
  axes.d.forEach((value, column) => {
    made += `<text x="${room.left + (column + .5) * room.cell}" y="${room.top + rows * room.row + 13}" text-anchor="middle">${shown.d(value)}</text>`;
  });
  const x = room.left + at.d * room.cell, y = room.top + (rows - 1 - at.signal) * room.row;
  made += `<rect class="here" x="${x + 1}" y="${y + 1}" width="${room.cell - 3}" height="${room.row - 3}" fill="none" stroke="#d1242f" stroke-width="3"/>`;
  map.innerHTML = made;
  document.getElementById("when").textContent = before ? "before unlearning" : "after unlearning";
}

function pick(event) {
  const map = document.getElementById("map"), box = map.getBoundingClientRect(), view = map.viewBox.baseVal;
  const x = (event.clientX - box.left) / box.width * view.width, y = (event.clientY - box.top) / box.height * view.height;
  const d = Math.floor((x - room.left) / room.cell), signal = axes.signal.length - 1 - Math.floor((y - room.top) / room.row);
  if (d >= 0 && d < axes.d.length && signal >= 0 && signal < axes.signal.length) move({ d, signal });
}

/* --- the curves --- */

const panels = [
  ["signal κ", { both: "kappa" }], ["noise ζ, own class", { retain: "own_retain", forget: "own_forget" }],
  ["noise ζ, other class", { retain: "opposite_retain", forget: "opposite_forget" }],
  ["loss", { retain: "loss_retain", forget: "loss_forget" }],
  ["accuracy", { retain: "accuracy_retain", forget: "accuracy_forget" }], ["test error", { both: "log_error" }],
];
const size = { width: 220, height: 130, left: 34, right: 6, top: 6, bottom: 18 };

function limits(title, all) {
  if (title === "accuracy") return [0, 1];
  const low = Math.min(0, ...all), high = Math.max(0, ...all);
  if (title === "test error") return [Math.min(-1, low), 0];
  return [low, high > low ? high : low + 1];
}

function told(title, value) {
  if (title !== "test error") return Math.abs(value) < 10 ? minus(Number(value.toFixed(2))) : minus(Math.round(value));
  return value === 0 ? "1" : `10${raised(Math.round(value))}`;
}

function panel([title, lines]) {
  const steps = curve(at, "step"), drawn = Object.entries(lines).map(([kind, name]) => [kind, curve(at, name)]);
  const [low, high] = limits(title, drawn.flatMap(([, values]) => values.filter(Number.isFinite)));
  const x = step => size.left + step / head.last * (size.width - size.left - size.right);
  const y = value => size.top + (high - value) / (high - low) * (size.height - size.top - size.bottom);
  const paths = drawn.map(([kind, values]) => {
    const placed = values.map((value, i) => Number.isFinite(value) ? `${x(steps[i]).toFixed(1)},${y(value).toFixed(1)}` : null);
    return `<path class="${kind}" d="M${placed.filter(Boolean).join("L")}"/>`;
  });
  const label = (value, where) => `<text x="${size.left - 4}" y="${where}" text-anchor="end">${told(title, value)}</text>`;
  const zero = `<line class="axis" x1="${size.left}" x2="${size.width - size.right}" y1="${y(0)}" y2="${y(0)}"/>`;
  const part = `<line class="part" x1="${x(head.pretraining)}" x2="${x(head.pretraining)}" y1="${size.top}" y2="${size.height - size.bottom}"/>`;
  const words = `<text x="${x(0)}" y="${size.height - 5}">learn</text><text x="${x(head.pretraining) + 3}" y="${size.height - 5}">unlearn</text>`;
  return `<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${title} over the steps">` +
    zero + part + label(high, y(high) + 8) + label(low, y(low)) + words + paths.join("") + "</svg></figure>";
}

function sentence() {
  const log = errorAt(at, false), before = errorAt(at, true);
  const steps = Math.round(lastOf(curve(at, "step"))) - head.pretraining;
  const percent = name => `${Math.round(100 * lastOf(curve(at, name)))} %`;
  const error = value => value > -2 ? (10 ** value).toPrecision(2) : `10${raised(Math.round(value))}`;
  return `After ${steps} steps of unlearning it is right on ${percent("accuracy_retain")} of what it keeps and on ` +
    `${percent("accuracy_forget")} of what it is to forget; its test error went from ${error(before)} to ${error(log)}.`;
}

function draw() {
  if (!numbers) return;
  sync();
  drawMap();
  document.getElementById("panels").innerHTML = panels.map(panel).join("");
  document.getElementById("told").textContent = sentence();
}

build();
read();
document.getElementById("ramp").style.background = `linear-gradient(to right, ${shade(-9)}, ${shade(Math.log10(0.5))})`;
unpack().then(made => { numbers = made; draw(); document.body.dataset.ready = "yes"; },
  () => { document.getElementById("told").textContent = "This browser cannot unpack the numbers: it is older than 2023."; });
