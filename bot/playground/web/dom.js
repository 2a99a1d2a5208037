// Building DOM nodes: text is always a text node, so nothing that comes from outside can become markup.

import { pictured } from "./pictures.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Put attributes, listeners (`onclick`) and properties on a node; null, undefined and false are left out.
 * @param {Element} node
 * @param {Record<string, any>} props `class`, `testid`, `dataset`, `on…`, or any attribute
 */
function dress(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.setAttribute("class", value);
    else if (name === "testid") node.dataset.testid = value;
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
}

const shown = (child) => child !== null && child !== undefined && child !== false;
const nodes = (children) => children.flat(Infinity).filter(shown);
const drawn = (children) => nodes(children).flatMap((child) => (child instanceof Node ? [child] : pictured(String(child))));
// These take characters only.
const CHARACTERS = new Set(["option", "textarea", "title"]);

/**
 * An HTML element.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...any} children nodes, strings, arrays of them
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  const { value, ...rest } = props;
  dress(node, rest);
  node.append(...(CHARACTERS.has(tag) ? nodes : drawn)(children));
  // A select can only take a value once it has its options.
  if (value !== undefined && value !== null) node.value = value;
  return node;
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...any} children
 * @returns {SVGElement}
 */
export function s(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  dress(node, props);
  node.append(...nodes(children));
  return node;
}

const ICONS = {
  hash: "M6 2 4.5 14M11.5 2 10 14M2.5 5.5h11.5M2 10.5h11.5",
  lock: "M4 7h8v6.5H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  home: "M2.5 7.5 8 3l5.5 4.5V13a.5.5 0 0 1-.5.5H9.5V10h-3v3.5H3a.5.5 0 0 1-.5-.5z",
  send: "M2.5 3 14 8 2.5 13 4.5 8zM4.5 8H9",
  close: "m4 4 8 8m0-8-8 8",
  reply: "M2.5 3.5h11v7.5H8l-3 2.5V11H2.5z",
  link: "M6.5 9.5a2.5 2.5 0 0 0 3.6.1l2-2a2.5 2.5 0 0 0-3.6-3.6l-1 1M9.5 6.5a2.5 2.5 0 0 0-3.6-.1l-2 2a2.5 2.5 0 0 0 3.6 3.6l1-1",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6",
  flag: "M4 14V2.5m0 0h8.5L10.5 6l2 3.5H4",
  cluster: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
  pin: "m9.5 2 4.5 4.5-3 .8-2.6 2.6-.4 3-5-5 3-.4 2.6-2.6zM5.2 10.8 2 14",
  down: "M8 3v10m-4-4 4 4 4-4",
  file: "M4 1.5h5.5L12 4v10.5H4zM9.5 1.5V4H12",
  archive: "M2 3h12v3H2zM3 6v7.5h10V6M6.5 9h3",
  dots: "M3.5 8h.01M8 8h.01M12.5 8h.01",
};

/**
 * A small line icon; decoration only.
 * @param {keyof typeof ICONS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  return s("svg", { class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: ICONS[name] }));
}

/**
 * Replace what a node holds.
 * @param {Element} node
 * @param {...any} children
 */
export function fill(node, ...children) {
  node.replaceChildren(...drawn(children));
}

/**
 * Redraw with the keyboard focus kept on the element with the same `data-testid` or `data-action-id`.
 * @param {Element} root
 * @param {() => void} redraw
 */
export function keepingFocus(root, redraw) {
  const held = root.contains(document.activeElement) ? document.activeElement : null;
  redraw();
  if (!held || document.contains(held)) return;
  const { testid, actionId } = held.dataset;
  const name = testid ? `[data-testid="${CSS.escape(testid)}"]` : actionId ? `[data-action-id="${CSS.escape(actionId)}"]` : "";
  const again = name ? root.querySelector(name) : null;
  again?.focus({ preventScroll: true });
  // What a person types goes on where it was.
  if (again && typeof held.selectionStart === "number" && again.value === held.value) {
    again.setSelectionRange(held.selectionStart, held.selectionEnd);
  }
}
