// Short notes at the bottom of the page, and the live region that tells readers of new messages.

import { h } from "./dom.js";

const SECONDS = 7;
const MOST = 4;

/**
 * Show a short note.
 * @param {string} words
 * @param {string} [kind] "error" or "info"
 */
export function toast(words, kind = "info") {
  const box = document.getElementById("toasts");
  const node = h("div", { class: `toast ${kind === "error" ? "error" : "info"}`, role: kind === "error" ? "alert" : "status", testid: "toast" }, words);
  node.append(h("button", { type: "button", class: "plain", "aria-label": "Dismiss", onclick: () => node.remove() }, "×"));
  box.append(node);
  // Show it again, so that it lies above a dialog opened in the meantime.
  if (box.matches(":popover-open")) box.hidePopover();
  box.showPopover();
  while (box.children.length > MOST) box.firstChild.remove();
  setTimeout(() => node.remove(), SECONDS * 1000);
}

/**
 * Tell a screen reader.
 * @param {string} words
 */
export function announce(words) {
  document.getElementById("live").textContent = words;
}
