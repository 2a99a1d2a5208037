// rich_text blocks and cells as DOM nodes.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { broadcast, channelLink, date, groupMention, link, mention } from "./mrkdwn.js";

const TAGS = { bold: "strong", italic: "em", strike: "s", underline: "u", code: "code" };

const LEAVES = {
  text: (leaf) => broken(leaf.text),
  link: (leaf) => [link(leaf.url, leaf.text || leaf.url)],
  emoji: (leaf) => [emoji(leaf.name) || `:${leaf.name}:`],
  user: (leaf) => [mention(leaf.user_id)],
  usergroup: (leaf) => [groupMention(leaf.usergroup_id)],
  channel: (leaf) => [channelLink(leaf.channel_id)],
  broadcast: (leaf) => [broadcast(leaf.range)],
  date: (leaf) => [date(leaf.timestamp, leaf.format, leaf.fallback ?? "", leaf.url ?? "")],
};

const broken = (text) => String(text).split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line]));

function leaf(each) {
  const nodes = LEAVES[each.type]?.(each) ?? [];
  const styles = Object.keys(TAGS).filter((name) => each.style?.[name]);
  return styles.reduce((inner, name) => [h(TAGS[name], {}, inner)], nodes);
}

const leaves = (part) => (part.elements ?? []).flatMap(leaf);

function list(part) {
  const tag = part.style === "ordered" ? "ol" : "ul";
  const start = part.offset ? part.offset + 1 : null;
  return h(tag, { start, class: `indent-${Math.min(part.indent ?? 0, 8)}` }, part.elements.map((item) => h("li", {}, leaves(item))));
}

const PARTS = {
  rich_text_section: (part) => h("p", {}, leaves(part)),
  rich_text_preformatted: (part) => h("pre", {}, h("code", {}, (part.elements ?? []).map((each) => each.text ?? each.url ?? ""))),
  rich_text_quote: (part) => h("blockquote", {}, leaves(part)),
  rich_text_list: list,
};

/**
 * A rich_text block's parts.
 * @param {{elements: any[]}} block
 * @returns {Node[]}
 */
export const richText = (block) => (block.elements ?? []).map((part) => PARTS[part.type]?.(part)).filter(Boolean);
