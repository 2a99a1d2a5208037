// The app's modal: drawn from a view, keeping what was typed when the app redraws it, submitted with state.values.

import { acting, reportError } from "./acts.js";
import { post } from "./api.js";
import { blocks } from "./blocks.js";
import { fill, h, icon, keepingFocus } from "./dom.js";
import { rawValues, restore, stateOf } from "./elements.js";
import { plain } from "./mrkdwn.js";
import { state } from "./state.js";

let dialog = null;
let view = null;

const selector = (block, element) => `.modal-body [data-block-id="${CSS.escape(block.block_id)}"][data-action-id="${CSS.escape(element.action_id)}"]`;

function* held() {
  for (const block of view.blocks) {
    for (const element of [block.element, block.accessory, ...(block.type === "actions" ? block.elements : [])]) {
      const node = element?.action_id ? dialog.querySelector(selector(block, element)) : null;
      if (node && stateOf(element, []) !== null) yield { block, element, node };
    }
  }
}

function values() {
  const all = {};
  for (const { block, element, node } of held()) {
    all[block.block_id] = { ...all[block.block_id], [element.action_id]: stateOf(element, rawValues(node)) };
  }
  return all;
}

async function submit(event) {
  event.preventDefault();
  const button = dialog.querySelector("[type=submit]");
  button.disabled = true;
  const shown = view.id;
  const answer = await post("/play/view", { user: state.me, view_id: shown, action: "submit", values: values() });
  reportError(answer);
  button.disabled = view?.submit_disabled === true;
  if (answer.errors && Object.keys(answer.errors).length && view?.id === shown) draw({ ...view, errors: answer.errors });
}

const close = async () => reportError(await post("/play/view", { user: state.me, view_id: view.id, action: "close" }));

/** Only inputs with dispatch_action tell the app at once; other elements of a modal always do. */
function context() {
  const act = (block, element, value) =>
    block.type === "input" && !block.dispatch_action ? undefined : acting({ view_id: view.id, values: values() }).act(block, element, value);
  return { act, errors: view.errors ?? {} };
}

function draw(next) {
  const typed = view?.id === next.id ? [...held()].map(({ block, element, node }) => [`${block.block_id}/${element.action_id}`, rawValues(node)]) : [];
  view = next;
  const foot = [
    h("button", { type: "button", class: "button", testid: "modal-close", onclick: close }, plain(view.close) || (view.submit ? "Cancel" : "Close")),
    view.submit && h("button", { type: "submit", class: "button primary solid", testid: "modal-submit", disabled: view.submit_disabled === true }, plain(view.submit)),
  ];
  const form = h(
    "form",
    { novalidate: true, onsubmit: submit },
    h("header", {}, h("h2", { id: "modal-title" }, plain(view.title)), h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: close }, icon("close"))),
    h("div", { class: "modal-body" }, blocks(view.blocks, context())),
    h("div", { class: "dialog-foot" }, foot),
  );
  keepingFocus(dialog, () => fill(dialog, form));
  const kept = new Map(typed);
  for (const { block, element, node } of held()) {
    const before = kept.get(`${block.block_id}/${element.action_id}`);
    if (before) restore(node, before);
  }
  dialog.querySelector(".wrong .field, .wrong input")?.focus();
}

/**
 * Show the person's modal as it is now, or none.
 * @param {any | null} next
 */
export function showModal(next) {
  if (!next) {
    view = null;
    dialog?.close();
    return;
  }
  const opening = !dialog;
  if (opening) {
    dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title", testid: "modal" });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      dialog = null;
    });
    document.body.append(dialog);
  }
  draw(next);
  if (opening) {
    dialog.showModal();
    (dialog.querySelector(".modal-body [autofocus], .modal-body .field, .modal-body input") ?? dialog.querySelector(".dialog-foot button:last-child")).focus();
  }
}
