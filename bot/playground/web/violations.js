// The counter and the drawer of rules that the app broke.

import { remove } from "./api.js";
import { clock } from "./dates.js";
import { fill, h, icon } from "./dom.js";
import { state } from "./state.js";

/**
 * The counter, which opens the drawer.
 * @returns {HTMLElement}
 */
export const violationsButton = () =>
  h("button", { type: "button", class: "tool", testid: "violations", "aria-expanded": "false", "aria-controls": "violations-drawer", onclick: toggle }, icon("flag"), h("span", { class: "number" }));

function entry(each) {
  return h(
    "li",
    { class: each.category },
    h("div", {}, h("code", {}, each.rule), h("span", { class: "tag" }, each.category === "rule" ? "rule broken" : "state met"), h("time", {}, clock(each.at))),
    h("p", {}, each.detail),
    each.where && h("small", {}, each.where),
  );
}

/** Draw the counter and, if open, the drawer. */
export function drawViolations() {
  const button = document.querySelector("[data-testid=violations]");
  const count = state.violations.length;
  button.querySelector(".number").textContent = String(count);
  button.classList.toggle("alarm", count > 0);
  button.dataset.count = String(count);
  button.setAttribute("aria-label", `${count} ${count === 1 ? "violation" : "violations"} of Slack's rules by the app`);
  button.title = "What the app did that Slack does not allow";
  const list = document.querySelector("#violations-drawer ul");
  if (list) fill(list, state.violations.toReversed().map(entry));
  const none = document.querySelector("#violations-drawer .empty");
  if (none) none.hidden = count > 0;
  const clear = document.querySelector("#violations-drawer .clear");
  if (clear) clear.hidden = count === 0;
}

function toggle() {
  const open = document.getElementById("violations-drawer");
  const button = document.querySelector("[data-testid=violations]");
  button.setAttribute("aria-expanded", String(!open));
  if (open) {
    open.remove();
    button.focus();
    return;
  }
  const drawer = h(
    "section",
    { id: "violations-drawer", class: "drawer", "aria-label": "Violations", testid: "violations-drawer", onkeydown: (event) => event.key === "Escape" && toggle() },
    h("header", {}, h("h2", {}, "Violations"), h("button", { type: "button", class: "small clear", testid: "violations-clear", onclick: () => remove("/control/violations") }, "Clear"), h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: toggle }, icon("close"))),
    h("p", { class: "empty" }, "The app kept all of Slack's rules so far."),
    h("ul"),
  );
  document.getElementById("main").append(drawer);
  drawViolations();
  drawer.querySelector("[aria-label=Close]").focus();
}
