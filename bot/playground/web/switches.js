// The switches of a simulated cluster's background tasks: any value can be stored, as from outside cmbot.

import { h } from "./dom.js";

const WORDS = ["true", "false", "Enable", "Disable"];
const UNSET = "(not set)";

function row(key, value, act) {
  const held = value ?? UNSET;
  const words = [...new Set([...WORDS, UNSET, held])];
  const store = (word) => act("set_switch", { key, value: word === UNSET ? null : word }, word === UNSET ? `${key} is not set any more` : `${key} is ${word} now`);
  return h(
    "label",
    { class: "row stored" },
    h("span", { class: "mono" }, key),
    h("select", { testid: `switch-${key}`, "aria-label": `Switch ${key}`, value: held, onchange: (event) => store(event.target.value) }, words.map((word) => h("option", { value: word }, word))),
  );
}

/**
 * A row for each switch that is stored, or was when the page was opened.
 * @param {Record<string, string>} switches
 * @param {Set<string>} known keys that were seen; new ones are added
 * @param {(action: string, body: object, said?: string) => void} act
 * @returns {HTMLElement[]}
 */
export function switchRows(switches, known, act) {
  for (const key of Object.keys(switches)) known.add(key);
  return [...known].sort().map((key) => row(key, switches[key], act));
}

/**
 * The scheduler that does the work of the tasks: whether it runs, and a button to start or stop it.
 * @param {Record<string, string>} schedulers hosts of those that run, by number
 * @param {(action: string, body: object, said?: string) => void} act
 * @returns {HTMLElement}
 */
export function schedulerRow(schedulers, act) {
  const runs = Object.keys(schedulers).length > 0;
  const press = runs
    ? () => act("stop_scheduler", { number: 1 }, "The scheduler is gone: no disk is repaired or drained")
    : () => act("start_scheduler", { number: 1 }, "The scheduler runs");
  return h(
    "div",
    { class: "row stored" },
    h("span", { testid: "scheduler-state" }, runs ? "A scheduler is registered and runs" : "No scheduler is registered"),
    h("button", { type: "button", class: "small", testid: "scheduler-toggle", onclick: press }, runs ? "Stop" : "Start"),
  );
}
