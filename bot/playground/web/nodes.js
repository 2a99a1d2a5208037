// The nodes of a simulated cluster as cards with their handles.

import { h } from "./dom.js";

const SLOW_SECONDS = 3;
const ROLES = { StateLeader: "leader", StateFollower: "follower", StateCandidate: "candidate", StatePreCandidate: "candidate" };

function words(node, leads) {
  if (!node.up) return "down";
  const role = leads ? "leader" : (ROLES[node.role] ?? node.role);
  const extra = [node.paused && "paused", node.isolated && "cut off", !node.listening && "not listening", node.slow > 0 && `slow by ${node.slow} s`, node.member !== "voter" && (node.member === "none" ? "not a member" : node.member)];
  return [role === "leader" && !leads ? "was leader" : role, ...extra].filter(Boolean).join(", ");
}

function card(node, leads, act) {
  const look = !node.up ? "down" : node.paused || node.isolated || !node.listening || node.slow > 0 ? "odd" : leads ? "leads" : "up";
  const handle = (name, label, press, off = false, kind = "") =>
    h("button", { type: "button", class: `small ${kind}`, testid: `node-${node.id}-${name}`, "aria-label": `${label} node ${node.id}`, disabled: off, onclick: press }, label);
  const own = { node: node.id };
  return h(
    "li",
    { class: `node ${look}`, testid: `node-${node.id}` },
    h("div", { class: "node-head" }, h("span", { class: "lamp", "aria-hidden": "true" }, leads ? "★" : node.up ? "●" : "○"), h("strong", {}, `Node ${node.id}`), h("span", { class: "words" }, words(node, leads))),
    h("div", { class: "node-host mono" }, `${String(node.host).replace(/^https?:\/\//, "")} · term ${node.term} · commit ${node.commit}`),
    h(
      "div",
      { class: "handles" },
      handle("kill", "Kill", () => act("kill", own), !node.up, "danger"),
      handle("start", "Start", () => act("start", own), node.up),
      node.paused ? handle("resume", "Resume", () => act("resume", own), !node.up) : handle("pause", "Pause", () => act("pause", own), !node.up),
      node.isolated ? handle("rejoin", "Rejoin", () => act("rejoin", own), !node.up) : handle("isolate", "Cut off", () => act("isolate", own), !node.up),
      node.slow > 0 ? handle("fast", "Not slow", () => act("slow", { ...own, seconds: 0 })) : handle("slow", "Slow", () => act("slow", { ...own, seconds: SLOW_SECONDS })),
      handle("elect", "Elect", () => act("elect", own), !node.up || leads),
    ),
  );
}

/**
 * A card for each node.
 * @param {{leader: number, nodes: any[]}} seen
 * @param {(action: string, body: object, said?: string) => void} act
 * @returns {HTMLElement}
 */
export const nodeCards = (seen, act) => h("ul", { class: "nodes" }, seen.nodes.map((node) => card(node, node.id === seen.leader, act)));
