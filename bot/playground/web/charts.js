// The data_visualization block: line, bar, area and pie charts as SVG, with the same figures as a table for readers.

import { h, s } from "./dom.js";

// On a phone a chart of fewer units is drawn larger, so that its labels can be read.
const WIDTH = window.matchMedia("(max-width: 600px)").matches ? 330 : 560;
const HEIGHT = 230;
const AREA = { left: 52, right: 14, top: 12, bottom: 46 };
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });
const colour = (index) => `c${(index % 6) + 1}`;

/** Round steps from the least to the greatest value, zero included. */
function ticks(values) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const raw = span / 4;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = size * ([1, 2, 2.5, 5, 10].find((each) => each * size >= raw) ?? 10);
  const first = Math.floor(low / step);
  const count = Math.max(1, Math.ceil(high / step) - first);
  return Array.from({ length: count + 1 }, (_, index) => (first + index) * step);
}

function scales(chart) {
  const values = chart.series.flatMap((series) => series.data.map((point) => point.value));
  const steps = ticks(values);
  const [low, high] = [steps[0], steps.at(-1)];
  const count = chart.axis_config.categories.length;
  const inner = { width: WIDTH - AREA.left - AREA.right, height: HEIGHT - AREA.top - AREA.bottom };
  const band = inner.width / count;
  return {
    steps,
    band,
    x: (index) => AREA.left + band * (index + 0.5),
    y: (value) => AREA.top + inner.height * (1 - (value - low) / (high - low)),
  };
}

function axes(chart, { steps, band, x, y }) {
  const { categories, x_label: below, y_label: beside } = chart.axis_config;
  const letter = 6.2;
  const widest = Math.min(110, Math.max(...categories.map((name) => name.length)) * letter + 12);
  const every = Math.ceil(categories.length / Math.max(1, Math.floor((WIDTH - AREA.left - AREA.right) / widest)));
  const most = Math.max(4, Math.floor((band * every) / letter));
  const cut = (text) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  // The last label would leave the picture.
  const inside = (at, text) => Math.min(at, WIDTH - (text.length * letter) / 2 - 2);
  return [
    steps.map((step) => [
      s("line", { class: step === 0 ? "axis" : "grid", x1: AREA.left, x2: WIDTH - AREA.right, y1: y(step), y2: y(step) }),
      s("text", { class: "tick", x: AREA.left - 8, y: y(step) + 4, "text-anchor": "end" }, compact.format(step)),
    ]),
    categories.map((name, index) =>
      index % every ? null : s("text", { class: "tick", x: inside(x(index), cut(name)), y: HEIGHT - AREA.bottom + 17, "text-anchor": "middle" }, cut(name)),
    ),
    below && s("text", { class: "axis-label", x: (AREA.left + WIDTH - AREA.right) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, below),
    beside && s("text", { class: "axis-label", transform: `translate(12 ${(AREA.top + HEIGHT - AREA.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, beside),
  ];
}

const tip = (...words) => s("title", {}, words.join(" "));

function bars(chart, { band, x, y }) {
  const wide = Math.min(40, (band * 0.72) / chart.series.length);
  return chart.series.map((series, index) =>
    series.data.map((point, at) => {
      const left = x(at) + (index - chart.series.length / 2) * wide;
      const box = { x: left + 1, width: Math.max(1, wide - 2), y: Math.min(y(point.value), y(0)), height: Math.abs(y(point.value) - y(0)), rx: 2 };
      return s("rect", { class: `fill ${colour(index)}`, ...box }, tip(series.name, point.label, exact.format(point.value)));
    }),
  );
}

function lines(chart, { x, y }) {
  return chart.series.map((series, index) => {
    const path = series.data.map((point, at) => `${at ? "L" : "M"}${x(at)} ${y(point.value)}`).join("");
    const under = `${path}L${x(series.data.length - 1)} ${y(0)}L${x(0)} ${y(0)}Z`;
    return [
      chart.type === "area" && s("path", { class: `under ${colour(index)}`, d: under }),
      s("path", { class: `stroke ${colour(index)}`, d: path }),
      series.data.map((point, at) =>
        s("circle", { class: `fill ${colour(index)}`, cx: x(at), cy: y(point.value), r: 3 }, tip(series.name, point.label, exact.format(point.value))),
      ),
    ];
  });
}

function pie(segments) {
  const total = segments.reduce((sum, segment) => sum + segment.value, 0);
  const point = (share, radius) => `${100 + radius * Math.sin(2 * Math.PI * share)} ${100 - radius * Math.cos(2 * Math.PI * share)}`;
  let from = 0;
  return segments.map((segment, index) => {
    const share = segment.value / total;
    // A whole circle has no start and end that differ: stop just short of it.
    const to = from + Math.min(share, 0.99999);
    const large = share > 0.5 ? 1 : 0;
    const path = `M${point(from, 90)}A90 90 0 ${large} 1 ${point(to, 90)}L${point(to, 54)}A54 54 0 ${large} 0 ${point(from, 54)}Z`;
    from += share;
    return s("path", { class: `fill slice ${colour(index)}`, d: path }, tip(segment.label, exact.format(segment.value), `(${percent(share)})`));
  });
}

const percent = (share) => `${(share * 100).toFixed(1)} %`;

function legend(names) {
  if (names.length < 2) return null;
  const swatch = (index) => s("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" }, s("rect", { class: `fill ${colour(index)}`, width: 10, height: 10, rx: 3 }));
  return h("ul", { class: "legend" }, names.map((name, index) => h("li", {}, swatch(index), name)));
}

function figures(title, heads, rows) {
  const line = (tag) => (cells) => h("tr", {}, cells.map((cell) => h(tag, {}, cell)));
  // A table is as wide as its words: only a box around it can be small.
  return h("div", { class: "unseen" }, h("table", {}, h("caption", {}, title), h("thead", {}, line("th")(heads)), h("tbody", {}, rows.map(line("td")))));
}

function pieChart(title, chart) {
  const total = chart.segments.reduce((sum, segment) => sum + segment.value, 0);
  const names = chart.segments.map((segment) => `${segment.label}: ${exact.format(segment.value)} (${percent(segment.value / total)})`);
  const svg = s("svg", { class: "pie", viewBox: "0 0 200 200", role: "img", "aria-label": title }, pie(chart.segments));
  return [h("div", { class: "pie-row" }, svg, legend(names.length > 1 ? names : [...names, ""].slice(0, 2)))];
}

function axisChart(title, chart) {
  const scale = scales(chart);
  const marks = chart.type === "bar" ? bars(chart, scale) : lines(chart, scale);
  const svg = s("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title }, axes(chart, scale), marks);
  const rows = chart.axis_config.categories.map((name, at) => [name, ...chart.series.map((series) => exact.format(series.data[at].value))]);
  const names = chart.series.map((series) => series.name);
  return [svg, legend(names), figures(title, ["", ...names], rows)];
}

/**
 * A data_visualization block.
 * @param {{title: string, chart: any}} block
 * @returns {HTMLElement}
 */
export function visualization(block) {
  const drawn = block.chart.type === "pie" ? pieChart(block.title, block.chart) : axisChart(block.title, block.chart);
  return h("figure", { class: "chart" }, h("figcaption", {}, block.title), drawn);
}
