// The panel of the simulated clusters: state of each, and controls to break and repair it.

import { get, post } from "./api.js";
import { diskMap } from "./disks.js";
import { fill, h, icon, keepingFocus } from "./dom.js";
import { slackFaults } from "./faults.js";
import { nodeCards } from "./nodes.js";
import { recipeList } from "./recipes.js";
import { state } from "./state.js";
import { schedulerRow, switchRows } from "./switches.js";
import { toast } from "./toast.js";

const POLL_MS = 2000;
const FOLDED_KEY = "playground-cluster-folded";
const WIDE = window.matchMedia("(min-width: 1240px)");
const NORMAL = 1;
const BAD = [2, 3];
const REPAIRED = 4;
const GONE = [REPAIRED, 5];

const panel = () => document.getElementById("cluster");
let chosen = "";
let picked = 0;
let seen = null;
let keys = new Set();
let drawnKey = "";
let timer = null;

const prefix = () => `/control/clusters/${encodeURIComponent(chosen)}`;

/** Do one action on the chosen cluster, say how it went, and read its state again. */
async function act(action, body = {}, said = "") {
  const answer = await post(`${prefix()}/${action}`, body);
  if (!answer.ok) toast(answer.message ?? answer.error ?? "That did not work", "error");
  else if (said) toast(said);
  await look();
}

async function look() {
  if (panel().hidden || !chosen || document.hidden) return;
  const asked = chosen;
  const answer = await get(`${prefix()}/state`);
  if (asked !== chosen || !answer.nodes) return;
  seen = answer;
  const { now: _now, requests: _requests, ...rest } = answer;
  const key = JSON.stringify([chosen, picked, rest]);
  // What is being pressed or dragged is not taken away from under the hand.
  if (key !== drawnKey && !panel().matches(":active")) {
    drawnKey = key;
    keepingFocus(panel(), draw);
  }
  drawRequests();
}

function again() {
  drawnKey = "";
  if (seen) keepingFocus(panel(), draw);
  drawRequests();
}

function breakDisk() {
  const normal = seen.disks.filter((disk) => disk.status === NORMAL && !disk.dropping);
  const disk = normal.find((each) => each.disk_id === picked) ?? normal[0];
  if (!disk) return toast("No disk is left to break", "error");
  return act("break_disk", { disk_id: disk.disk_id }, `Disk ${disk.disk_id} (${disk.host} ${disk.path}) broke`);
}

async function repairDisks() {
  const bad = seen.disks.filter((disk) => BAD.includes(disk.status));
  if (!bad.length) return toast("No disk is broken");
  for (const disk of bad) await post(`${prefix()}/repair_disk`, { disk_id: disk.disk_id, step: "repaired" });
  toast(`Repaired: ${bad.map((disk) => `disk ${disk.disk_id}`).join(", ")}`);
  return look();
}

async function riskVolume() {
  const answer = await post(`${prefix()}/risk_volume`, {});
  if (answer.ok) toast(`Broken: ${answer.result.map((disk) => `disk ${disk}`).join(", ")}. A volume has a unit on ${answer.result.length === 1 ? "it" : "each"}`);
  else toast(answer.message ?? answer.error ?? "That did not work", "error");
  return look();
}

function drainDisk() {
  const usable = seen.disks.filter((disk) => disk.status === NORMAL && !disk.dropping);
  const disk = usable.find((each) => each.disk_id === picked) ?? usable.at(-1);
  if (!disk) return toast("No disk is left to drain", "error");
  return act("drop_disk", { disk_id: disk.disk_id }, `Disk ${disk.disk_id} (${disk.host} ${disk.path}) is being drained`);
}

function landUnit() {
  const gone = seen.disks.filter((disk) => GONE.includes(disk.status));
  const disk = gone.find((each) => each.disk_id === picked) ?? gone[0];
  if (!disk) return toast("No disk is repaired yet: break one, and wait until its repair ends", "error");
  return act("land_unit", { disk_id: disk.disk_id }, `A unit landed on disk ${disk.disk_id}, which is ${disk.status === REPAIRED ? "repaired" : "dropped"}`);
}

const killLeader = () => (seen.leader ? act("kill", { node: seen.leader }, `Node ${seen.leader}, the leader, was killed`) : toast("There is no leader to kill", "error"));

const button = (testid, words, press, kind = "") => h("button", { type: "button", class: `button ${kind}`, testid, onclick: press }, words);

function verdict() {
  const leader = seen.nodes.find((node) => node.id === seen.leader);
  const words = leader ? `Node ${leader.id} leads in term ${leader.term}` : "No leader";
  return h(
    "div",
    { class: `verdict ${leader && seen.quorum ? "good" : "bad"}`, testid: "cluster-verdict" },
    h("strong", {}, words),
    h("span", { class: "chips" }, h("span", { class: "chip" }, `release ${seen.flavour}`), !seen.quorum && h("span", { class: "chip bad" }, "no quorum"), seen.read_only && h("span", { class: "chip warn" }, "read-only")),
  );
}

function quick() {
  return h(
    "div",
    { class: "grid2" },
    button("break-disk", "Break a disk", breakDisk, "danger"),
    button("repair-disk", "Repair disks", repairDisks),
    button("risk-volume", "Put a volume at risk", riskVolume, "danger"),
    button("drain-disk", "Start draining disk", drainDisk),
    button("land-unit", "Land a unit on a repaired disk", landUnit, "wide"),
    button("kill-leader", "Kill the leader", killLeader, "danger"),
    button("lose-quorum", "Lose quorum", () => act("lose_quorum", {}, "The cluster lost its quorum"), "danger"),
    button("restore", "Restore all nodes", () => act("restore", {}, "Every node is up again"), "primary wide"),
  );
}

function space() {
  const size = seen.disks.reduce((sum, disk) => sum + disk.size, 0);
  const used = seen.disks.reduce((sum, disk) => sum + disk.used, 0);
  const percent = size ? Math.round((used / size) * 100) : 0;
  const output = h("output", {}, `${percent} %`);
  const range = h("input", {
    type: "range",
    min: 0,
    max: 100,
    testid: "fill-range",
    "aria-label": "Space used, per cent",
    value: percent,
    oninput: (event) => fill(output, `${event.target.value} %`),
    onchange: (event) => act("fill_space", { fraction: Number(event.target.value) / 100 }, `Every disk is ${event.target.value} % full`),
  });
  return [
    h("div", { class: "row" }, h("span", {}, "Space used"), range, output),
    h(
      "label",
      { class: "row" },
      h("span", {}, "Read-only"),
      h("input", { type: "checkbox", class: "toggle", role: "switch", testid: "read-only", checked: seen.read_only, onchange: (event) => act("set_read_only", { value: event.target.checked }) }),
    ),
  ];
}

function replies() {
  const open = seen.faults.map((fault) => h("li", {}, `${fault.kind}: ${fault.left} left${fault.path ? ` on ${fault.path}` : ""}${fault.node ? ` at node ${fault.node}` : ""}`));
  return [
    h(
      "div",
      { class: "grid2" },
      button("lose-reply", "Lose a reply", () => act("lose_replies", { count: 1 }, "The next request is executed, its reply is lost")),
      button("lose-write-reply", "Lose a write's reply", () => act("lose_replies", { count: 1, path: "/config/set" }, "The next /config/set is executed, its reply is lost")),
      button("garble-reply", "Garble a reply", () => act("garble", { count: 1 }, "The next reply is garbled")),
      button("fail-next", "Fail with 906", () => act("fail_next", { count: 1, status: 906, words: "raft propose timeout" }, "The next request is answered 906")),
    ),
    open.length > 0 && h("ul", { class: "pending" }, open),
  ];
}

const part = (id, title, open, ...children) => {
  const held = panel().querySelector(`details[data-part="${id}"]`);
  return h("details", { class: "part", dataset: { part: id }, open: held ? held.open : open }, h("summary", {}, title), h("div", { class: "part-body" }, children));
};

/** The frame, drawn once: what a person types or chooses in it stays; `.live` is redrawn as the cluster changes. */
function frame(names) {
  const select = h("select", { testid: "cluster-select", "aria-label": "Cluster", value: chosen, onchange: (event) => choose(event.target.value) }, names.map((name) => h("option", { value: name }, name)));
  const fold = h("button", { type: "button", class: "plain", "aria-label": "Fold the cluster panel", onclick: toggleCluster }, icon("close"));
  fill(
    panel(),
    h("header", {}, h("h2", {}, "Cluster"), select, fold),
    h(
      "div",
      { class: "panel-body" },
      h("div", { class: "live" }),
      part("alerts", "See an alert", false, recipeList(() => chosen)),
      part("slack", "Slack faults", false, slackFaults()),
      part("requests", "Requests", false, h("ol", { class: "requests", tabindex: "0", "aria-label": "Requests" })),
    ),
  );
}

function draw() {
  fill(
    panel().querySelector(".live"),
    verdict(),
    quick(),
    part("nodes", "Nodes", true, nodeCards(seen, act)),
    part("disks", `Disks (${seen.disks.length})`, true, diskMap(seen.disks, picked, pick, act)),
    part("space", "Space", true, space()),
    part("switches", "Background tasks", false, schedulerRow(seen.schedulers, act), switchRows(seen.switches, keys, act)),
    part("replies", "Replies", false, replies()),
  );
}

function drawRequests() {
  const list = panel().querySelector(".requests");
  if (!list || !list.closest("details").open) return;
  const time = (at) => new Date(at * 1000).toISOString().slice(11, 19);
  fill(list, seen.requests.toReversed().map((each) => h("li", {}, h("time", {}, time(each.at)), h("span", { class: "mono" }, `n${each.node} ${each.method} ${each.target}`), h("b", { class: each.status === 200 ? "" : "bad" }, String(each.status)))));
}

function pick(disk) {
  picked = disk === picked ? 0 : disk;
  again();
}

function choose(name) {
  chosen = name;
  picked = 0;
  keys = new Set();
  look();
}

function show(open) {
  panel().hidden = !open;
  document.body.classList.toggle("with-cluster", open);
  document.querySelector("[data-testid=cluster-toggle]").setAttribute("aria-expanded", String(open));
  clearInterval(timer);
  if (!open) return;
  look();
  timer = setInterval(look, POLL_MS);
}

/** Fold the panel, or open it again; remembered where there is room for it. */
export function toggleCluster() {
  const open = panel().hidden;
  if (WIDE.matches) localStorage.setItem(FOLDED_KEY, open ? "" : "yes");
  show(open);
  if (!open) document.querySelector("[data-testid=cluster-toggle]").focus();
}

/** Prepare the panel, once; where there are no clusters there is none. */
export async function setUpCluster() {
  if (chosen) return;
  const { clusters: names = [] } = state.panel ? await get("/control/clusters") : {};
  const button = document.querySelector("[data-testid=cluster-toggle]");
  button.hidden = names.length === 0;
  if (!names.length) return;
  [chosen] = names;
  frame(names);
  panel().addEventListener("toggle", drawRequests, true);
  panel().addEventListener("keydown", (event) => event.key === "Escape" && !WIDE.matches && toggleCluster());
  show(WIDE.matches && localStorage.getItem(FOLDED_KEY) !== "yes");
}
