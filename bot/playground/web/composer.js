// The composer: writing messages and slash commands, with hints for commands and a history on arrow up.

import { reportError } from "./acts.js";
import { post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { state } from "./state.js";

const MOST_HINTS = 8;
const MOST_KEPT = 50;
const history = [];

/** What could be typed next: the commands, and the words that a command's usage hint names. */
function hints(text) {
  if (!/^[/@]/.test(text)) return [];
  // By mention the same words follow the app's name.
  const names = state.commands.flatMap((each) => [each, { ...each, command: `@${state.bot.name}` }]);
  const found = names.flatMap(({ command, description, usage_hint: usage }) => [
    { line: command, words: description },
    ...(usage ?? "").split("|").map((word) => word.trim()).filter((word) => /^[a-z]/.test(word)).map((word) => ({ line: `${command} ${word}`, words: "" })),
  ]);
  const wanted = text.toLowerCase();
  const fitting = found.filter(({ line }) => line.startsWith(wanted)).slice(0, MOST_HINTS);
  // The whole command alone is no hint any more.
  return fitting.some(({ line }) => line !== wanted) ? fitting : [];
}

/**
 * Make a composer.
 * @param {HTMLElement} root
 * @param {{id: string, testid: string, sendTestid: string, label: string, target: () => {channel: string, thread_ts?: string} | null, sent?: () => void}} how
 * @returns {{draw: () => void, focus: () => void}}
 */
export function composer(root, how) {
  let at = -1;
  let chosen = -1;
  let shown = [];
  const list = h("ul", { class: "hints", id: `${how.id}-hints`, role: "listbox", "aria-label": "Commands", hidden: true });
  const field = h("textarea", {
    id: how.id,
    testid: how.testid,
    rows: 1,
    maxlength: 20000,
    "aria-label": how.label,
    "aria-controls": `${how.id}-hints`,
    autocomplete: "off",
    spellcheck: "false",
  });
  const button = h("button", { type: "button", class: "send", testid: how.sendTestid, "aria-label": "Send", title: "Send", onclick: () => send() }, icon("send"));

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
    button.classList.toggle("ready", field.value.trim() !== "");
  }
  function write(text) {
    field.value = text;
    grow();
    suggest();
    field.setSelectionRange(text.length, text.length);
  }
  function suggest() {
    shown = at < 0 ? hints(field.value) : [];
    chosen = -1;
    drawHints();
  }
  function drawHints() {
    list.hidden = shown.length === 0;
    fill(
      list,
      shown.map(({ line, words }, index) =>
        h(
          "li",
          { role: "option", id: `${how.id}-hint-${index}`, "aria-selected": String(index === chosen), onmousedown: (event) => take(event, line) },
          h("strong", {}, line),
          words && h("span", {}, words),
        ),
      ),
    );
    if (chosen >= 0) field.setAttribute("aria-activedescendant", `${how.id}-hint-${chosen}`);
    else field.removeAttribute("aria-activedescendant");
  }
  function take(event, line) {
    event.preventDefault();
    write(`${line} `);
    field.focus();
  }
  async function send() {
    const text = field.value.trim();
    const target = how.target();
    if (!text || !target) return;
    if (history[0] !== text) history.unshift(text);
    history.length = Math.min(history.length, MOST_KEPT);
    at = -1;
    write("");
    how.sent?.();
    // The app may take its time to acknowledge; writing goes on meanwhile.
    const answer = await post(text.startsWith("/") ? "/play/command" : "/play/post", { user: state.me, text, ...target });
    if (!reportError(answer) && answer.message && !field.value) write(text);
  }
  function recall(step) {
    const next = Math.max(-1, Math.min(history.length - 1, at + step));
    if (next === at) return;
    at = next;
    write(at < 0 ? "" : history[at]);
  }
  function move(step) {
    chosen = (chosen + step + shown.length + (chosen < 0 && step < 0 ? 1 : 0)) % shown.length;
    drawHints();
  }
  function arrow(event, step) {
    const browsing = at >= 0 || field.value === "";
    if (shown.length) move(-step);
    else if (browsing) recall(step);
    else return;
    event.preventDefault();
  }
  const KEYS = {
    Enter: (event) => {
      if (event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (chosen >= 0) take(event, shown[chosen].line);
      else send();
    },
    Tab: (event) => {
      if (shown.length && !event.shiftKey) take(event, (shown[chosen] ?? shown.find(({ line }) => line !== field.value) ?? shown[0]).line);
    },
    ArrowUp: (event) => arrow(event, 1),
    ArrowDown: (event) => arrow(event, -1),
    Escape: (event) => {
      if (!shown.length) return;
      event.stopPropagation();
      shown = [];
      drawHints();
    },
  };
  field.addEventListener("keydown", (event) => KEYS[event.key]?.(event));
  field.addEventListener("input", () => {
    at = -1;
    grow();
    suggest();
  });
  field.addEventListener("blur", () => {
    list.hidden = true;
  });

  const box = h("div", { class: "composer-box" }, list, field, button);
  fill(root, box);
  return {
    focus: () => field.focus(),
    draw: (placeholder, disabled = false) => {
      field.placeholder = placeholder;
      field.disabled = disabled;
      button.disabled = disabled;
    },
  };
}
