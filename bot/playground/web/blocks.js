// Blocks as DOM nodes, one function per block type.

import { visualization } from "./charts.js";
import { h } from "./dom.js";
import { element } from "./elements.js";
import { markdown } from "./markdown.js";
import { decoded, mrkdwn, plain, text } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { dataTable, table } from "./tables.js";

/** An image is not loaded from elsewhere: its description stands in its place. */
const image = (each, kind) =>
  h("span", { class: `image ${kind}`, role: "img", "aria-label": each.alt_text, title: each.image_url ?? "" }, h("span", {}, decoded(each.alt_text ?? "image")));

function section(block, context) {
  const side = block.accessory;
  return h(
    "div",
    { class: "section" },
    h(
      "div",
      { class: "section-main" },
      block.text && h("div", { class: "text" }, text(block.text)),
      block.fields && h("div", { class: "fields" }, block.fields.map((each) => h("div", { class: "text" }, text(each)))),
    ),
    side && h("div", { class: "accessory" }, side.type === "image" ? image(side, "thumb") : element(block, side, context)),
  );
}

const small = (each) => (each.type === "image" ? image(each, "tiny") : h("span", { class: "text" }, text(each)));

function input(block, context) {
  const label = plain(block.label);
  const error = context.errors?.[block.block_id];
  return h(
    "div",
    { class: `input${error ? " wrong" : ""}`, dataset: { inputBlock: block.block_id } },
    h("span", { class: "label" }, label, block.optional ? h("small", {}, " (optional)") : null),
    element(block, block.element, { ...context, label }),
    error && h("p", { class: "error", role: "alert" }, error),
    block.hint && h("p", { class: "hint" }, plain(block.hint)),
  );
}

const ALERT_WORDS = { info: "Info", warning: "Warning", error: "Error", success: "Done", default: "Note" };

/** Blocks under a title; one that folds is opened and closed with its title. */
function container(block, context) {
  const title = h("span", { class: "container-title" }, block.title ? plain(block.title) : richText(block.rich_text_title));
  const subtitle = block.subtitle && h("span", { class: "container-subtitle" }, plain(block.subtitle));
  const inside = h("div", { class: "container-body" }, blocks(block.child_blocks, context));
  if (!block.is_collapsible) return h("div", { class: "container" }, h("div", { class: "container-head" }, title, subtitle), inside);
  return h("details", { class: "container", open: !block.default_collapsed }, h("summary", { class: "container-head" }, title, subtitle), inside);
}

const KINDS = {
  header: (block) => h("h3", { class: "header" }, plain(block.text)),
  section,
  divider: () => h("hr"),
  context: (block) => h("div", { class: "context" }, block.elements.map(small)),
  actions: (block, context) => h("div", { class: "actions" }, block.elements.map((each) => element(block, each, context))),
  image: (block) => h("figure", { class: "picture" }, block.title && h("figcaption", {}, plain(block.title)), image(block, "large")),
  rich_text: (block) => h("div", { class: "text" }, richText(block)),
  markdown: (block) => h("div", { class: "text" }, markdown(block.text)),
  table,
  data_table: dataTable,
  data_visualization: visualization,
  container,
  input,
  alert: (block) => {
    const level = block.level ?? "default";
    return h("div", { class: `alert ${level}`, role: "note" }, h("strong", {}, `${ALERT_WORDS[level] ?? "Note"}: `), text(block.text));
  },
};

/**
 * Blocks as nodes; one that cannot be drawn says so instead of taking the page with it.
 * @param {any[]} list
 * @param {{act: Function, errors?: Record<string, string>}} context
 * @returns {HTMLElement[]}
 */
export function blocks(list, context) {
  return list.map((block) => {
    try {
      const node = KINDS[block.type](block, context);
      if (block.block_id) node.dataset.block = block.block_id;
      return node;
    } catch {
      return h("p", { class: "unknown" }, `[a ${String(block.type)} block that this page cannot draw]`);
    }
  });
}

/**
 * What a message says: its blocks, or its text when it has none.
 * @param {{text: string, blocks: any[]}} message
 * @param {{act: Function}} context
 * @returns {Node[]}
 */
export const body = (message, context) =>
  message.blocks.length ? blocks(message.blocks, context) : [h("div", { class: "text" }, mrkdwn(message.text))];
