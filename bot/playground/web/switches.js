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
    { class: "row switch" },
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
