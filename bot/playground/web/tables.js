// The table and data_table blocks: aligned columns; a data table is sorted by its headers, filtered by words, turned by pages.

import { fill, h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { decoded } from "./mrkdwn.js";
import { richText } from "./richtext.js";

// So many rows are found by looking.
const FEW = 5;

const words = (cell) => withEmoji(decoded(cell?.text ?? ""));
const content = (cell) => (cell?.type === "rich_text" ? richText(cell) : [words(cell)]);
const numeric = (cell) => cell?.type === "raw_number";

/**
 * A table block; its first row is its header.
 * @param {{rows: any[][], column_settings?: any[]}} block
 * @returns {HTMLElement}
 */
export function table(block) {
  const [head = [], ...rows] = block.rows;
  const look = (column) => {
    const setting = block.column_settings?.[column] ?? {};
    return `align-${setting.align ?? "left"}${setting.is_wrapped ? " wrapped" : ""}`;
  };
  // A header without words would be read aloud as an empty name.
  const named = (tag, cell) => (tag === "th" && cell?.type !== "rich_text" && !cell?.text?.trim() ? "td" : tag);
  const one = (tag, props) => (cell, column) => {
    const fitting = named(tag, cell);
    return h(fitting, { class: look(column), ...(fitting === tag ? props : {}) }, content(cell));
  };
  const row = (tag, props) => (cells) => h("tr", {}, cells.map(one(tag, props)));
  const drawn = h("table", {}, h("thead", {}, row("th", { scope: "col" })(head)), h("tbody", {}, rows.map(row("td", {}))));
  return h("div", { class: "table-box", tabindex: "0", role: "group", "aria-label": "Table" }, drawn);
}

const key = (cell) => (numeric(cell) ? cell.value : (cell?.text ?? JSON.stringify(cell?.elements ?? "")));
const seen = (cell) => (cell?.text ?? (cell?.elements ? richText(cell).map((node) => node.textContent).join(" ") : "")).toLowerCase();
const compare = (one, other) =>
  typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });

/**
 * A data_table block.
 * @param {{rows: any[][], caption: string, page_size?: number, row_header_column_index?: number}} block
 * @returns {HTMLElement}
 */
export function dataTable(block) {
  const [head, ...rows] = block.rows;
  const size = block.page_size ?? 10;
  const view = { sort: -1, down: false, page: 0, wanted: "" };
  const body = h("tbody");
  const heads = h("tr");
  const foot = h("div", { class: "table-foot" });

  const filtered = () => (view.wanted ? rows.filter((row) => row.some((cell) => seen(cell).includes(view.wanted))) : rows);
  const sorted = () => {
    if (view.sort < 0) return filtered();
    const order = view.down ? -1 : 1;
    return filtered().toSorted((one, other) => order * compare(key(one[view.sort]), key(other[view.sort])));
  };
  const sortBy = (column) => {
    Object.assign(view, { down: view.sort === column && !view.down, sort: column, page: 0 });
    draw();
    heads.children[column].firstChild.focus();
  };
  const turn = (step) => {
    view.page += step;
    draw();
  };
  const headCell = (cell, column) => {
    const direction = view.sort === column ? (view.down ? "descending" : "ascending") : "none";
    const mark = { ascending: " ▲", descending: " ▼", none: "" }[direction];
    const side = rows.length && rows.every((row) => numeric(row[column])) ? "align-right" : "align-left";
    const button = h("button", { type: "button", class: "sort", onclick: () => sortBy(column) }, words(cell), mark);
    return h("th", { scope: "col", "aria-sort": direction, class: side }, button);
  };
  const cellOf = (cell, column) => {
    const tag = column === (block.row_header_column_index ?? -1) ? "th" : "td";
    return h(tag, { class: numeric(cell) ? "align-right" : "align-left", scope: tag === "th" ? "row" : null }, content(cell));
  };
  function draw() {
    fill(heads, head.map(headCell));
    const all = sorted();
    const pages = Math.max(1, Math.ceil(all.length / size));
    const shown = all.slice(view.page * size, (view.page + 1) * size);
    fill(body, shown.map((row) => h("tr", {}, row.map(cellOf))));
    const one = pages === 1 && !view.wanted;
    const range = all.length ? `${view.page * size + 1}–${view.page * size + shown.length} of ${all.length}` : "No row has these words";
    const step = (label, by, off) => h("button", { type: "button", class: "small", disabled: off, onclick: () => turn(by) }, label);
    // How many rows there are is seen where all of them are.
    fill(foot, h("span", { role: "status", class: one ? "unseen" : "" }, range), pages > 1 && [step("Previous", -1, view.page === 0), step("Next", 1, view.page + 1 >= pages)]);
  }
  const search = (event) => {
    Object.assign(view, { wanted: event.target.value.trim().toLowerCase(), page: 0 });
    draw();
  };
  draw();
  const filter = h("input", { type: "search", class: "field table-filter", placeholder: "Filter rows", "aria-label": `Filter ${block.caption}`, oninput: search });
  const drawn = h("table", {}, h("caption", {}, withEmoji(decoded(block.caption))), h("thead", {}, heads), body);
  return h("div", { class: "data-table" }, rows.length > FEW && filter, h("div", { class: "table-box", tabindex: "0", role: "group", "aria-label": block.caption }, drawn), foot);
}
