// The markdown block: the common part of Markdown as DOM nodes, without any HTML.

import { h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { link } from "./mrkdwn.js";

const INLINE =
  /`([^`\n]+)`|!?\[([^\]\n]*)\]\(((?:[^()\s]|\([^()\s]*\))+)\)|\*\*([^\n]+?)\*\*|~~([^\n]+?)~~|(?<![\p{L}\p{N}*_])([*_])(?![\s*_])([^\n]{0,3000}?[^\s])\6(?![\p{L}\p{N}])|(https?:\/\/[^\s<>()]+)/u;

/**
 * One line of Markdown.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
function inline(text) {
  const nodes = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, code, label, address, bold, strike, , italic, bare] = found;
    nodes.push(withEmoji(rest.slice(0, found.index)));
    rest = rest.slice(found.index + whole.length);
    if (code !== undefined) nodes.push(h("code", {}, code));
    else if (address !== undefined) nodes.push(link(address, inline(label)));
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold)));
    else if (strike !== undefined) nodes.push(h("s", {}, inline(strike)));
    else if (italic !== undefined) nodes.push(h("em", {}, inline(italic)));
    else nodes.push(link(bare, bare));
  }
  nodes.push(withEmoji(rest));
  return nodes;
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

function table(lines) {
  const [head, , ...rows] = lines.map(cells);
  return h(
    "div",
    { class: "table-box" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, inline(cell))))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, inline(cell)))))),
    ),
  );
}

const box = (line) => {
  const found = /^\[([ xX])\] (.*)$/.exec(line);
  return found ? [found[1] === " " ? "☐ " : "☑ ", ...inline(found[2])] : inline(line);
};
const items = (lines, mark) => lines.map((line) => h("li", {}, box(line.replace(mark, ""))));
const BULLET = /^\s*[-*+] +/;
const NUMBER = /^\s*\d+[.)] +/;
const joined = (lines) => lines.flatMap((line, index) => (index ? [h("br"), ...inline(line)] : inline(line)));

// Each kind: what its lines look like, and how a run of them is drawn.
const KINDS = [
  [/^\s*$/, () => null],
  [/^#{1,6} /, (lines) => lines.map((line) => h("p", { class: `md-h md-h${line.indexOf(" ")}` }, inline(line.replace(/^#+ /, ""))))],
  [/^\s*(?:-{3,}|\*{3,})\s*$/, () => h("hr")],
  [/^> ?/, (lines) => h("blockquote", {}, joined(lines.map((line) => line.replace(/^> ?/, ""))))],
  [/^\s*\|.*\|\s*$/, (lines) => (lines.length > 1 ? table(lines) : h("p", {}, joined(lines)))],
  [BULLET, (lines) => h("ul", {}, items(lines, BULLET))],
  [NUMBER, (lines) => h("ol", { start: Number.parseInt(lines[0], 10) || 1 }, items(lines, NUMBER))],
  [/^/, (lines) => h("p", {}, joined(lines))],
];

function runs(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const kind = KINDS.find(([pattern]) => pattern.test(line));
    if (found.at(-1)?.kind === kind) found.at(-1).lines.push(line);
    else found.push({ kind, lines: [line] });
  }
  return found.flatMap(({ kind, lines }) => kind[1](lines) ?? []);
}

/**
 * Markdown as nodes.
 * @param {string} text
 * @returns {Node[]}
 */
export function markdown(text) {
  const parts = String(text).split(/^```[^\n]*\n([\s\S]*?)^```[^\n]*\n?/m);
  return parts.flatMap((part, index) => (index % 2 ? [h("pre", {}, h("code", {}, part.replace(/\n$/, "")))] : part.trim() ? runs(part) : []));
}
