// The page's start: where the person is, what changed, and who has to be redrawn.

import { listen } from "./api.js";
import { setUpCluster, toggleCluster } from "./cluster.js";
import { drawTopic, focusComposer, highlight, loadCentre, loadThread, openHome, setUp } from "./conversation.js";
import { fill, h, icon } from "./dom.js";
import { showModal } from "./modal.js";
import { drawSidebar } from "./sidebar.js";
import { onChange, refresh, remember, state } from "./state.js";
import { toast } from "./toast.js";
import { drawViolations, violationsButton } from "./violations.js";

const SETTLE_MS = 40;
let stop = () => {};

/** Run a task soon, once for many calls, and never twice at a time. */
function soon(task) {
  let timer = null;
  let running = Promise.resolve();
  return () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = null;
      running = running.then(task, task);
    }, SETTLE_MS);
  };
}

const centre = soon(loadCentre);
const thread = soon(loadThread);
const everything = soon(refresh);
const again = soon(async () => {
  const answer = await refresh();
  if (answer.ok) showModal(answer.view);
});

const inPlace = (event) => state.place.kind === "channel" && event.channel === state.place.id;

function onMessage(event) {
  if (inPlace(event)) centre();
  if (state.thread && [event.thread_ts, event.ts].includes(state.thread.ts)) thread();
  everything();
}

const EVENTS = {
  message: onMessage,
  changed: onMessage,
  deleted: onMessage,
  ephemeral: onMessage,
  view: (event) => showModal(event.view ?? null),
  home: () => state.place.kind === "home" && centre(),
  toast: (event) => toast(event.text, event.kind),
  violation: everything,
  state: everything,
};

/** Go where the address says: `#/<channel>`, `#/<channel>/<ts>`, `#/<channel>/<ts>/<thread>`, `#/home`. */
async function route() {
  const [id = "", ts = "", root = ""] = decodeURIComponent(location.hash).replace(/^#\/?/, "").split("/");
  if (id === "home") {
    Object.assign(state, { place: { kind: "home", id: "" }, thread: null });
  } else {
    const known = state.channels.find((each) => id && (each.id === id || each.name === id));
    const place = known ?? state.channels.find((each) => each.is_member && !each.is_archived) ?? state.channels[0];
    if (state.thread && state.thread.channel !== place.id) state.thread = null;
    state.place = { kind: "channel", id: place.id };
    if (root) state.thread = { channel: place.id, ts: root };
  }
  redraw();
  await Promise.all([loadCentre(), loadThread()]);
  if (ts) highlight(ts);
  if (id === "home") openHome();
  // Reading a channel changed what is unread.
  await refresh();
}

function redraw() {
  drawSidebar(become);
  drawTopic();
  drawViolations();
}

async function become(user) {
  remember(user);
  state.thread = null;
  showModal(null);
  await start();
}

function lookAtThread(message) {
  const ts = message.thread_ts || message.ts;
  Object.assign(state, { thread: { channel: message.channel, ts } });
  loadThread().then(() => focusComposer("thread"));
}

function closeThread() {
  const { ts } = state.thread ?? {};
  state.thread = null;
  loadThread();
  const opener = document.querySelector(`[data-testid="${CSS.escape(`thread-${ts}`)}"]`);
  if (opener) opener.focus();
  else focusComposer();
}

function build() {
  const cluster = h("button", { type: "button", class: "tool", testid: "cluster-toggle", "aria-controls": "cluster", onclick: toggleCluster }, icon("cluster"), h("span", {}, "Cluster"));
  fill(
    document.getElementById("topic"),
    h("button", { type: "button", class: "tool places-toggle", testid: "places-toggle", popovertarget: "sidebar", "aria-label": "Channels" }, icon("hash")),
    h("div", { class: "topic-words" }, h("h2", { id: "topic-title" }), h("p", { id: "topic-text" })),
    h("p", { id: "offline", role: "status", hidden: true }, "Reconnecting…"),
    violationsButton(),
    cluster,
  );
  setUp({ thread: lookAtThread, closeThread });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && state.thread && document.getElementById("thread").contains(event.target)) closeThread();
  });
}

/** Begin as the remembered person. */
async function start() {
  stop();
  const answer = await refresh();
  if (!answer.ok) {
    toast(answer.message ?? "The local workspace does not answer", "error");
    setTimeout(start, 2000);
    return;
  }
  stop = listen(
    state.me,
    (event) => EVENTS[event.type]?.(event),
    (linked) => {
      document.getElementById("offline").hidden = linked;
      // Reload changes that were missed while disconnected.
      if (linked) for (const read of [again, centre, thread]) read();
    },
  );
  showModal(answer.view);
  await route();
  await setUpCluster();
  if (!document.querySelector("dialog[open], .message.found")) focusComposer();
}

build();
onChange(redraw);
window.addEventListener("hashchange", route);
// A link to where one is already changes no address, but one wants to see the place again.
document.addEventListener("click", (event) => {
  const address = event.target.closest?.("a[href^='#/']")?.getAttribute("href");
  if (address && address === location.hash) route();
  // On a narrow page the sidebar lies over the place that was chosen.
  const sidebar = document.getElementById("sidebar");
  if (address && sidebar.matches(":popover-open")) sidebar.hidePopover();
});
await start();
