// Faults of the workspace itself: which one, how often, on which method; and those that are still to come.

import { reportError } from "./acts.js";
import { get, post, remove } from "./api.js";
import { fill, h } from "./dom.js";
import { onChange, state } from "./state.js";

const chosen = { kind: "ratelimited", count: 1, method: "", seconds: 2 };

async function inject() {
  reportError(await post("/control/faults", { ...chosen, count: Math.max(1, Math.round(chosen.count)) }));
}

async function learn(select) {
  const { kinds = [] } = await get("/control/faults");
  fill(select, kinds.map((each) => h("option", { value: each, selected: each === chosen.kind }, each.replaceAll("_", " "))));
}

const number = (name, label, most) =>
  h("label", {}, label, h("input", { type: "number", class: "field", min: name === "count" ? 1 : 0, max: most, testid: `fault-${name}`, value: chosen[name], onchange: (event) => Object.assign(chosen, { [name]: Number(event.target.value) }) }));

const line = (fault) =>
  h("li", {}, `${fault.kind.replaceAll("_", " ")} × ${fault.count}${fault.method ? ` on ${fault.method}` : ""}${["delay", "ratelimited"].includes(fault.kind) ? `, ${fault.seconds} s` : ""}`);

/**
 * The form of faults; it is drawn once, only what is still to come changes.
 * @returns {HTMLElement[]}
 */
export function slackFaults() {
  const kind = h("select", { class: "field", testid: "fault-kind", onchange: (event) => Object.assign(chosen, { kind: event.target.value }) });
  const pending = h("ul", { class: "pending", testid: "faults" });
  const clear = h("button", { type: "button", class: "button", testid: "fault-clear", onclick: () => remove("/control/faults") }, "Clear");
  const draw = () => {
    clear.disabled = state.faults.length === 0;
    fill(pending, state.faults.map(line));
  };
  learn(kind);
  onChange(draw);
  draw();
  const method = h("input", { class: "field", testid: "fault-method", placeholder: "any", value: chosen.method, onchange: (event) => Object.assign(chosen, { method: event.target.value.trim() }) });
  return [
    h("div", { class: "form2" }, h("label", {}, "Fault", kind), h("label", {}, "Method", method), number("count", "Times", 1000), number("seconds", "Seconds", 3600)),
    h(
      "div",
      { class: "grid2" },
      h("button", { type: "button", class: "button", testid: "fault-inject", onclick: inject }, "Inject"),
      clear,
    ),
    pending,
  ];
}
