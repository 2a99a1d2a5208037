// The centre and the thread pane: a channel's messages, a thread's, the Home tab; loading, scrolling, finding one.

import { acting } from "./acts.js";
import { get, post } from "./api.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { fill, h, icon } from "./dom.js";
import { messageList, spoken } from "./messages.js";
import { channel, state } from "./state.js";
import { announce } from "./toast.js";

const NEAR = 120;
const GAP = 6;
const byId = (id) => document.getElementById(id);

let openThread = () => {};
let drawChannel = () => {};
let drawThread = () => {};
let writer = null;
let answerer = null;
let newest = "";
let shownPlace = "";

const target = () => (state.place.kind === "channel" ? { channel: state.place.id } : null);
const threadTarget = () => (state.thread ? { channel: state.thread.channel, thread_ts: state.thread.ts } : null);
/** Where the newest message begins, from the top of its list. */
const newestTop = (box) => {
  const last = [...box.querySelectorAll(".message")].at(-1);
  return last ? last.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop : Infinity;
};
/** True if the end is in sight, or the beginning of a newest message that is longer than the page. */
const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR || box.scrollTop > newestTop(box) - NEAR;
/** Show the newest message: its end, or its beginning if it is longer than the page. */
const toEnd = (box) => {
  box.scrollTop = Math.min(box.scrollHeight, newestTop(box) - GAP);
};

/**
 * Prepare the centre and the thread pane.
 * @param {{thread: (message: any) => void, closeThread: () => void}} how
 */
export function setUp(how) {
  openThread = how.thread;
  drawChannel = messageList(byId("messages"), { openThread });
  writer = composer(byId("composer"), { id: "composer-text", testid: "composer", sendTestid: "send", label: "Message", target, sent: () => toEnd(byId("scroll")) });
  const list = h("div", { class: "thread-messages" });
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Thread messages" }, list);
  const writing = h("div", { class: "composer" });
  const close = h("button", { type: "button", class: "plain", "aria-label": "Close the thread", testid: "thread-close", onclick: how.closeThread }, icon("close"));
  fill(byId("thread"), h("header", {}, h("h2", {}, "Thread"), h("span", { id: "thread-where" }), close), scroll, writing);
  drawThread = messageList(list, { thread: true, openThread: null });
  answerer = composer(writing, { id: "thread-text", testid: "thread-composer", sendTestid: "thread-send", label: "Reply in the thread", target: threadTarget, sent: () => toEnd(scroll) });
  answerer.draw("Reply, or ask by @cmbot");
  const box = byId("scroll");
  byId("newer").addEventListener("click", () => toEnd(box));
  box.addEventListener("scroll", () => {
    if (atEnd(box)) byId("newer").hidden = true;
  });
}

/** The channel's or the Home tab's heading and composer. */
export function drawTopic() {
  const here = state.place.kind === "home" ? null : channel(state.place.id);
  const title = state.place.kind === "home" ? `${state.bot.name} Home` : here?.is_im ? state.bot.name : `#${here?.name ?? ""}`;
  const topic = state.place.kind === "home" ? "What the app shows to you alone" : here?.is_im ? "Direct messages with the app" : (here?.topic ?? "");
  byId("topic-title").textContent = title;
  byId("topic-text").textContent = topic;
  document.title = `${title} · ${state.team}`;
  byId("composer").hidden = state.place.kind === "home";
  const closed = here?.is_archived ? `${title} is archived` : !here?.is_member && here ? `You are not in ${title}` : "";
  writer.draw(closed || `Message ${title}, or type / for commands, @${state.bot.name} to ask in a thread`, Boolean(closed));
}

const key = () => `${state.me} ${state.place.kind} ${state.place.id}`;

/** Reload the centre; keeps the scroll position of a person who reads further up. */
export async function loadCentre() {
  return state.place.kind === "home" ? loadHome() : loadChannel();
}

/** What an empty channel says: how to begin, where there is an app to ask. */
function emptyWords() {
  const [command] = state.commands;
  const hint = command ? ` Type ${command.command} to see what you can ask` : "";
  return `No messages here yet.${hint}${hint && state.panel ? ", or break something in the panel Cluster." : hint && "."}`;
}

async function loadChannel() {
  const asked = key();
  const answer = await get("/play/messages", { user: state.me, channel: state.place.id });
  if (asked !== key() || !answer.ok) return;
  const box = byId("scroll");
  const fresh = shownPlace !== asked;
  const follow = fresh || atEnd(box);
  if (byId("messages").dataset.kind !== "channel") fill(byId("messages"));
  byId("messages").dataset.kind = "channel";
  drawChannel(answer.messages);
  byId("messages").querySelector(".empty")?.remove();
  if (!answer.messages.length) byId("messages").append(h("p", { class: "empty" }, emptyWords()));
  const last = answer.messages.at(-1);
  if (last && !fresh && last.ts > newest) {
    if (last.user !== state.me) announce(spoken(last));
    byId("newer").hidden = follow;
  }
  newest = last?.ts ?? "";
  shownPlace = asked;
  if (follow) toEnd(box);
}

async function loadHome() {
  const asked = key();
  const answer = await get("/play/home", { user: state.me });
  if (asked !== key() || !answer.ok) return;
  const root = byId("messages");
  root.dataset.kind = "home";
  drawChannel([]);
  const shown = answer.view ? blocks(answer.view.blocks, acting({ view_id: answer.view.id })) : h("p", { class: "empty" }, `${state.bot.name} has not published a Home tab yet.`);
  fill(root, h("div", { class: "home blocks", testid: "home-view" }, shown));
  if (shownPlace !== asked) byId("scroll").scrollTop = 0;
  shownPlace = asked;
}

/** Tell the app that its Home tab was opened; what it puts there arrives as an event. */
export const openHome = () => post("/play/home", { user: state.me });

/** Load the open thread, or hide its pane. */
export async function loadThread() {
  const pane = byId("thread");
  pane.hidden = !state.thread;
  document.body.classList.toggle("with-thread", Boolean(state.thread));
  if (!state.thread) return drawThread([]);
  const { channel: place, ts } = state.thread;
  const answer = await get("/play/messages", { user: state.me, channel: place, thread_ts: ts });
  if (state.thread?.ts !== ts || !answer.ok) return undefined;
  const box = pane.querySelector(".scroll");
  const follow = pane.dataset.ts !== ts || atEnd(box);
  pane.dataset.ts = ts;
  byId("thread-where").textContent = `#${channel(place)?.name ?? ""}`;
  drawThread(answer.messages);
  if (follow) toEnd(box);
  return undefined;
}

/** Put the keyboard where one writes. @param {"channel" | "thread"} [where] */
export const focusComposer = (where = "channel") => (where === "thread" ? answerer : writer).focus();

/**
 * Scroll to a message and light it up for a moment.
 * @param {string} ts
 */
export function highlight(ts) {
  for (const node of document.querySelectorAll(".message.found")) node.classList.remove("found");
  for (const node of document.querySelectorAll(`[data-testid="${CSS.escape(`message-${ts}`)}"]`)) {
    node.scrollIntoView({ block: "center" });
    // Between two frames the class is gone, so that the animation starts again.
    requestAnimationFrame(() => node.classList.add("found"));
    node.focus({ preventScroll: true });
  }
}
