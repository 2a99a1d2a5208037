// Slack's mrkdwn as DOM nodes: what is not markup is a text node, and only http(s) addresses become links.

import { formatted, full } from "./dates.js";
import { h } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { channel, group, nameOf, state } from "./state.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/**
 * Undo Slack's three entities.
 * @param {string} text
 * @returns {string}
 */
export const decoded = (text) => String(text).replace(/&(?:lt|gt|amp);/g, (found) => ENTITIES[found]);

/**
 * A link if the address is http(s), else only its text. One into this page stays inside it.
 * @param {string} address
 * @param {...any} children
 * @returns {Node}
 */
export function link(address, ...children) {
  let url = null;
  try {
    url = new URL(address);
  } catch {
    return h("span", {}, ...children);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return h("span", {}, ...children);
  if (url.origin === location.origin && url.pathname === "/" && url.hash) return h("a", { href: url.hash }, ...children);
  return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** A person or the app. @param {string} id @param {string} [label] @returns {Node} */
export function mention(id, label = "") {
  const known = nameOf(id);
  const mine = id === state.me ? " mention-me" : "";
  return h("span", { class: `mention${mine}`, title: known ? "" : id }, `@${known || decoded(label) || id}`);
}

/** A channel, as a link into it when the person can see it. @param {string} id @param {string} [label] @returns {Node} */
export function channelLink(id, label = "") {
  const known = channel(id);
  const name = `#${known?.name ?? (decoded(label) || "unknown")}`;
  return known ? h("a", { class: "mention", href: `#/${known.id}` }, name) : h("span", { class: "mention" }, name);
}

/** A user group. @param {string} id @param {string} [label] @returns {Node} */
export function groupMention(id, label = "") {
  const known = group(id);
  const mine = known?.users.includes(state.me) ? " mention-me" : "";
  return h("span", { class: `mention${mine}` }, known ? `@${known.handle}` : decoded(label) || "@unknown");
}

/** @here, @channel, @everyone: everybody is notified. @param {string} range @returns {Node} */
export const broadcast = (range) => h("span", { class: "mention mention-me", title: "Everybody is notified" }, `@${range}`);

/** A time in the viewer's zone. @param {number} seconds @param {string} format @param {string} fallback @param {string} [url] @returns {Node} */
export function date(seconds, format, fallback, url = "") {
  const text = formatted(seconds, format);
  if (!text) return document.createTextNode(fallback);
  const node = h("time", { datetime: new Date(seconds * 1000).toISOString(), title: `${full(seconds)} (${fallback})` }, text);
  return url ? link(url, node) : node;
}

function special(inner) {
  const [body, ...rest] = inner.split("|");
  const label = rest.join("|");
  if (body.startsWith("@")) return mention(body.slice(1), label);
  if (body.startsWith("#")) return channelLink(body.slice(1), label);
  if (body.startsWith("!subteam^")) return groupMention(body.slice(9), label);
  if (body.startsWith("!date^")) {
    const [, seconds, format, url] = body.split("^");
    return date(Number(seconds), decoded(format ?? ""), decoded(label), decoded(url ?? ""));
  }
  if (/^!(here|channel|everyone)$/.test(body)) return broadcast(body.slice(1));
  if (body.startsWith("!")) return document.createTextNode(`<${decoded(inner)}>`);
  const address = decoded(body);
  const text = label ? withEmoji(decoded(label)) : address.replace(/^mailto:/, "");
  return link(address, text);
}

const STYLES = { "*": "strong", _: "em", "~": "s" };
// Bounded, so that hostile text costs little. One alternative each: code, <special>, :emoji:, *bold*, _italic_, ~strike~. Markers stand at the edges of words.
const INLINE =
  /`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+-]+):|(?<![\p{L}\p{N}*_~])([*_~])(?!\s|\4)([^\n]{0,3000}?[^\s])\4(?![\p{L}\p{N}])/u;

/**
 * One line, or several without block markup, as nodes.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function inline(text) {
  const nodes = [];
  let rest = text;
  let before = "";
  while (rest) {
    const found = INLINE.exec(rest);
    if (!found) break;
    const [whole, code, angle, short, mark, inner] = found;
    before += rest.slice(0, found.index);
    rest = rest.slice(found.index + whole.length);
    if (short !== undefined) {
      before += emoji(short) || whole;
      continue;
    }
    if (before) nodes.push(decoded(before));
    before = "";
    if (code !== undefined) nodes.push(h("code", {}, angles(code)));
    else if (angle !== undefined) nodes.push(special(angle));
    else nodes.push(h(STYLES[mark], {}, inline(inner)));
  }
  if (before + rest) nodes.push(decoded(before + rest));
  return nodes;
}

/** Code: nothing but <…> has a meaning in it. */
const angles = (text) => text.split(/(<[^<>\n]+>)/).map((part) => (/^<.+>$/.test(part) ? special(part.slice(1, -1)) : decoded(part)));

const QUOTE = /^(?:&gt;|>) ?/;
const BULLET = /^(?:•|[-–]) +/;
// Below a bullet, as the app writes it.
const INNER = /^ +◦ +/;
const NUMBER = /^\d{1,3}[.)] +/;
const kindOf = (line) => (QUOTE.test(line) ? "quote" : BULLET.test(line) ? "ul" : INNER.test(line) ? "inner" : NUMBER.test(line) ? "ol" : "p");

function lines(text) {
  const groups = [];
  for (const line of text.split("\n")) {
    const kind = kindOf(line);
    const last = groups.at(-1);
    if (last?.kind === kind) last.lines.push(line);
    else groups.push({ kind, lines: [line] });
  }
  return groups.map(({ kind, lines: held }) => drawn(kind, held));
}

const broken = (held) => held.flatMap((line, index) => (index ? [h("br"), ...inline(line)] : inline(line)));

function drawn(kind, held) {
  if (kind === "quote") return h("blockquote", {}, broken(held.map((line) => line.replace(QUOTE, ""))));
  if (kind === "ul") return h("ul", {}, held.map((line) => h("li", {}, inline(line.replace(BULLET, "")))));
  if (kind === "inner") return h("ul", { class: "inner" }, held.map((line) => h("li", {}, inline(line.replace(INNER, "")))));
  if (kind === "ol") {
    return h("ol", { start: Number.parseInt(held[0], 10) }, held.map((line) => h("li", {}, inline(line.replace(NUMBER, "")))));
  }
  return h("p", {}, broken(held));
}

/**
 * mrkdwn as nodes.
 * @param {string} text with Slack's entities and <…> escapes
 * @returns {Node[]}
 */
export function mrkdwn(text) {
  const parts = String(text).split(/```\n?([\s\S]*?)\n?```\n?/);
  return parts.flatMap((part, index) => {
    if (index % 2) return [h("pre", {}, h("code", {}, angles(part)))];
    const trimmed = index + 1 < parts.length ? part.replace(/\n$/, "") : part;
    return trimmed ? lines(trimmed) : [];
  });
}

/**
 * A text object (mrkdwn or plain_text).
 * @param {{type: string, text: string, emoji?: boolean} | undefined} object
 * @returns {(Node | string)[]}
 */
export function text(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text) : [plain(object)];
}

/**
 * A plain_text object's characters.
 * @param {{text: string, emoji?: boolean} | undefined} object
 * @returns {string}
 */
export const plain = (object) => (object ? (object.emoji === false ? decoded(object.text) : withEmoji(decoded(object.text))) : "");
