// Messages as a list: who, when, what; redrawn one by one, so that what did not change keeps its focus and its place.

import { acting, reportError } from "./acts.js";
import { post } from "./api.js";
import { body } from "./blocks.js";
import { clock, day, full } from "./dates.js";
import { h, icon, keepingFocus } from "./dom.js";
import { emoji } from "./emoji.js";
import { link } from "./mrkdwn.js";
import { nameOf, state, user } from "./state.js";
import { toast } from "./toast.js";

const TOGETHER_SECONDS = 300;
const hue = (id) => [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 8, 7);
const seconds = (message) => Number(message.ts);

/** A square with a person's initials. @param {string} id @param {string} name @param {boolean} [bot] @returns {HTMLElement} */
export function avatar(id, name, bot = false) {
  if (bot) return h("img", { class: "avatar", src: "/web/logo.svg", alt: "" });
  const initials = (user(id)?.real_name || name).split(/\s+/).map((word) => word.charAt(0)).join("").slice(0, 2).toUpperCase();
  return h("span", { class: `avatar hue${hue(id)}`, "aria-hidden": "true" }, initials);
}

function head(message) {
  const name = user(message.user)?.real_name || message.name;
  return h(
    "div",
    { class: "message-head" },
    h("strong", { class: "author" }, name),
    message.is_bot && h("span", { class: "badge" }, "APP"),
    h("a", { class: "when", href: address(message), title: full(seconds(message)) }, clock(seconds(message))),
  );
}

const address = (message) => `#/${message.channel}/${message.ts}${message.thread_ts && message.thread_ts !== message.ts ? `/${message.thread_ts}` : ""}`;

async function copy(message) {
  try {
    await navigator.clipboard.writeText(new URL(address(message), location.href).href);
    toast("Link copied");
  } catch {
    toast("The browser did not allow copying", "error");
  }
}

/** The app's own entries in the menu of a message. */
function shortcuts(message) {
  const choose = async (each) => {
    menu.open = false;
    const { channel, ts } = message;
    reportError(await post("/play/shortcut", { user: state.me, channel, ts, callback_id: each.callback_id }));
  };
  const entries = state.shortcuts.map((each) =>
    h("button", { type: "button", role: "menuitem", title: each.description, dataset: { callbackId: each.callback_id }, onclick: () => choose(each) }, each.name),
  );
  const menu = h(
    "details",
    { class: "overflow" },
    h("summary", { class: "plain", title: "More actions", "aria-label": "More actions", testid: `more-${message.ts}` }, icon("dots")),
    h("div", { class: "menu", role: "menu" }, entries),
  );
  return menu;
}

function tools(message, how) {
  if (message.ephemeral) return null;
  return h(
    "div",
    { class: "tools" },
    how.openThread && h("button", { type: "button", class: "plain", title: "Reply in thread", "aria-label": "Reply in thread", testid: `reply-${message.ts}`, onclick: () => how.openThread(message) }, icon("reply")),
    state.shortcuts.length > 0 && shortcuts(message),
    h("button", { type: "button", class: "plain", title: "Copy link", "aria-label": "Copy link", onclick: () => copy(message) }, icon("link")),
  );
}

const reaction = (each) =>
  h("span", { class: `reaction${each.users.includes(state.me) ? " mine" : ""}`, title: each.users.map(nameOf).join(", ") }, emoji(each.name) || `:${each.name}:`, h("b", {}, String(each.count)));

function file(each) {
  const name = each.title || each.name || "file";
  const size = Number.isFinite(each.size) ? `${each.size} bytes` : (each.mimetype ?? "");
  return h("div", { class: "file" }, icon("file"), h("div", {}, link(each.url_private ?? each.permalink ?? "", name), h("small", {}, size)));
}

function notes(message, how) {
  const inThread = message.thread_ts && message.thread_ts !== message.ts;
  return [
    message.ephemeral && h("div", { class: "note" }, icon("eye"), "Only visible to you"),
    message.pinned && h("div", { class: "note" }, icon("pin"), "Pinned"),
    how.thread && message.broadcast && h("div", { class: "note" }, icon("hash"), "Also sent to the channel"),
    !how.thread &&
      inThread &&
      h("div", { class: "note" }, icon("reply"), h("button", { type: "button", class: "linkish", onclick: () => how.openThread(message) }, "Replied to a thread")),
  ];
}

function foot(message, how) {
  return [
    message.edited && message.blocks.length > 0 && edited(),
    (message.files ?? []).map(file),
    message.reactions.length > 0 && h("div", { class: "reactions" }, message.reactions.map(reaction)),
    how.openThread &&
      !how.thread &&
      message.reply_count > 0 &&
      h(
        "button",
        { type: "button", class: "replies", testid: `thread-${message.ts}`, onclick: () => how.openThread(message) },
        icon("reply"),
        message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`,
      ),
  ];
}

const edited = () => h("span", { class: "edited" }, "(edited)");

/** What a message says; after plain words stands that they were edited. */
function contents(message) {
  const nodes = body(message, acting({ channel: message.channel, ts: message.ts }));
  const last = nodes.at(-1)?.lastElementChild;
  if (message.edited && !message.blocks.length) (last?.matches("p") ? last : nodes.at(-1)).append(" ", edited());
  return nodes;
}

function draw(message, how, joined) {
  const mark = [message.ephemeral && "ephemeral", joined && "joined"].filter(Boolean).join(" ");
  const small = h("a", { class: "when gutter", href: address(message), title: full(seconds(message)) }, clock(seconds(message)));
  return h(
    "article",
    { class: `message ${mark}`, testid: `message-${message.ts}`, tabindex: "-1", "aria-label": `${message.name}, ${clock(seconds(message))}` },
    joined ? small : avatar(message.user, message.name, message.is_bot),
    h(
      "div",
      { class: "message-main" },
      notes(message, how),
      joined ? null : head(message),
      h("div", { class: "blocks" }, contents(message)),
      foot(message, how),
    ),
    tools(message, how),
  );
}

const isJoined = (before, message) =>
  before !== undefined && before.user === message.user && before.ephemeral === message.ephemeral && !before.thread_ts === !message.thread_ts &&
  seconds(message) - seconds(before) < TOGETHER_SECONDS && day(seconds(before)) === day(seconds(message)) && !message.blocks.length && !before.blocks.length;

/**
 * A list of messages that redraws only what changed.
 * @param {HTMLElement} root
 * @param {{openThread?: (message: any) => void, thread?: boolean}} how
 * @returns {(messages: any[]) => void} draws the messages, oldest first
 */
export function messageList(root, how) {
  let drawn = new Map();
  return (messages) =>
    keepingFocus(root, () => {
      const next = new Map();
      const nodes = [];
      messages.forEach((message, index) => {
        const before = messages[index - 1];
        if (!before || day(seconds(before)) !== day(seconds(message))) nodes.push(h("div", { class: "day", role: "separator" }, h("span", {}, day(seconds(message)))));
        const joined = isJoined(before, message);
        const key = JSON.stringify([message, joined, state.me]);
        const held = drawn.get(message.ts);
        const kept = held?.key === key ? held : { key, node: draw(message, how, joined) };
        next.set(message.ts, kept);
        nodes.push(kept.node);
      });
      drawn = next;
      arrange(root, nodes);
    });
}

/** Put nodes in order without moving those that stand right: a moved node would lose its focus and open menus. */
function arrange(root, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...root.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (root.children[index] !== node) root.insertBefore(node, root.children[index] ?? null);
  });
}

/** The words of a message for a screen reader. @param {any} message @returns {string} */
export const spoken = (message) => `${message.name}: ${message.text}`.slice(0, 300);

