// Interactive elements: how each looks, and what a person's choice in it is called by the platform.

import { h, icon } from "./dom.js";
import { plain, text } from "./mrkdwn.js";
import { state } from "./state.js";

const options = (element) => [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((group) => group.options)];
const option = (element, value) => options(element).find((each) => each.value === value) ?? null;

const ids = (block, element) => ({ actionId: element.action_id ?? "", blockId: block.block_id ?? "" });
const named = (context, element) => context.label ?? (plain(element.placeholder) || element.action_id);

function optionNode(each, chosen) {
  return h("option", { value: each.value, selected: chosen === each.value }, plain(each.text));
}

function pick(block, element, context, entries, initial) {
  const grouped = element.option_groups?.map((group) => h("optgroup", { label: plain(group.label) }, group.options.map((each) => optionNode(each, initial))));
  const first = h("option", { value: "" }, plain(element.placeholder) || "Choose…");
  const select = h(
    "select",
    { class: "field", dataset: ids(block, element), "aria-label": named(context, element) },
    first,
    grouped ?? entries.map((each) => optionNode(each, initial)),
  );
  select.value = initial ?? "";
  select.addEventListener("change", async () => {
    // What was called off is not chosen.
    if ((await context.act(block, element, select.value)) === false) select.value = initial ?? "";
  });
  return select;
}

const entry = (value, words) => ({ value, text: { type: "plain_text", text: words, emoji: false } });
const people = () => [...state.users.map((user) => entry(user.id, user.real_name || user.name)), entry(state.bot.id, state.bot.name)];
const places = () => state.channels.filter((each) => !each.is_archived).map((each) => entry(each.id, each.is_im ? state.bot.name : `#${each.name}`));

function checks(block, element, context, type, initial) {
  const chosen = new Set(initial);
  const group = `${block.block_id}-${element.action_id}`;
  const node = h("div", { class: "checks", role: type === "radio" ? "radiogroup" : "group", dataset: ids(block, element), "aria-label": named(context, element) });
  const checked = () => [...node.querySelectorAll("input:checked")].map((input) => input.value);
  const changed = () => context.act(block, element, type === "radio" ? (checked()[0] ?? null) : checked());
  node.append(
    ...options(element).map((each) =>
      h(
        "label",
        { class: "check" },
        h("input", { type, name: group, value: each.value, checked: chosen.has(each.value), onchange: changed }),
        h("span", {}, h("span", { class: "inline" }, text(each.text)), each.description && h("small", {}, text(each.description))),
      ),
    ),
  );
  return node;
}

function many(block, element, context) {
  const initial = (element.initial_options ?? []).map((each) => each.value);
  const inner = checks(block, element, context, "checkbox", initial);
  const title = h("span");
  const count = () => {
    const chosen = [...inner.querySelectorAll("input:checked")];
    const most = element.max_selected_items ?? Infinity;
    for (const input of inner.querySelectorAll("input")) input.disabled = !input.checked && chosen.length >= most;
    title.textContent = chosen.length ? chosen.map((input) => plain(option(element, input.value)?.text)).join(", ") : plain(element.placeholder) || "Choose…";
  };
  inner.addEventListener("change", count);
  count();
  return h("details", { class: "many" }, h("summary", { class: "field" }, title), inner);
}

function typed(block, element, context, type, initial, extra = {}) {
  const multiline = element.multiline === true;
  const input = h(multiline ? "textarea" : "input", {
    class: "field",
    ...(multiline ? { rows: 4 } : { type }),
    placeholder: plain(element.placeholder) || null,
    dataset: ids(block, element),
    "aria-label": named(context, element),
    minlength: element.min_length,
    maxlength: element.max_length,
    autofocus: element.focus_on_load === true,
    value: initial ?? "",
    ...extra,
  });
  const triggers = element.dispatch_action_config?.trigger_actions_on;
  if (!triggers) {
    input.addEventListener("change", () => context.act(block, element, input.value));
    return input;
  }
  const tell = () => context.act(block, element, input.value);
  if (triggers.includes("on_character_entered")) input.addEventListener("input", tell);
  if (triggers.includes("on_enter_pressed") && !multiline) {
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      // The key is the app's then: it does not submit the form.
      event.preventDefault();
      tell();
    });
  }
  return input;
}

function button(block, element, context) {
  const style = element.style ? ` ${element.style}` : "";
  const press = () => context.act(block, element, null);
  const common = { class: `button${style}`, dataset: ids(block, element), "aria-label": element.accessibility_label ?? null, onclick: press };
  if (/^https?:\/\//.test(element.url ?? "")) {
    return h("a", { ...common, href: element.url, target: "_blank", rel: "noopener noreferrer" }, plain(element.text));
  }
  return h("button", { ...common, type: "button" }, plain(element.text));
}

function overflow(block, element, context) {
  const choose = (value) => {
    menu.open = false;
    context.act(block, element, value);
  };
  const entries = element.options.map((each) =>
    h("button", { type: "button", role: "menuitem", dataset: { value: each.value }, onclick: () => choose(each.value) }, plain(each.text)),
  );
  const menu = h("details", { class: "overflow", dataset: ids(block, element) }, h("summary", { class: "button", "aria-label": "More actions" }, icon("dots")), h("div", { class: "menu", role: "menu" }, entries));
  return menu;
}

const KINDS = {
  button,
  overflow,
  static_select: (block, element, context) => pick(block, element, context, element.options ?? [], element.initial_option?.value),
  users_select: (block, element, context) => pick(block, element, context, people(), element.initial_user),
  conversations_select: (block, element, context) =>
    pick(block, element, context, places(), element.initial_conversation ?? (element.default_to_current_conversation ? state.place.id : undefined)),
  channels_select: (block, element, context) => pick(block, element, context, places(), element.initial_channel),
  multi_static_select: many,
  checkboxes: (block, element, context) => checks(block, element, context, "checkbox", (element.initial_options ?? []).map((each) => each.value)),
  radio_buttons: (block, element, context) => checks(block, element, context, "radio", [element.initial_option?.value]),
  datepicker: (block, element, context) => typed(block, element, context, "date", element.initial_date),
  timepicker: (block, element, context) => typed(block, element, context, "time", element.initial_time),
  plain_text_input: (block, element, context) => typed(block, element, context, "text", element.initial_value),
  number_input: (block, element, context) =>
    typed(block, element, context, "number", element.initial_value, { min: element.min_value, max: element.max_value, step: element.is_decimal_allowed ? "any" : "1" }),
};

/**
 * An interactive element, or a note that it is not known.
 * @param {any} block the block it stands in
 * @param {any} element
 * @param {{act: (block: any, element: any, value: any) => void, label?: string}} context
 * @returns {HTMLElement}
 */
export function element(block, element, context) {
  const made = Object.hasOwn(KINDS, element.type) ? KINDS[element.type] : null;
  return made ? made(block, element, context) : h("span", { class: "unknown" }, `[${element.type}]`);
}

const plainly = (name) => (_element, values) => ({ [name]: values[0] || null });
const one = (element, values) => ({ selected_option: values[0] ? option(element, values[0]) : null });
const several = (element, values) => ({ selected_options: values.map((value) => option(element, value)).filter(Boolean) });
const STATES = {
  static_select: one,
  radio_buttons: one,
  checkboxes: several,
  multi_static_select: several,
  plain_text_input: plainly("value"),
  number_input: plainly("value"),
  datepicker: plainly("selected_date"),
  timepicker: plainly("selected_time"),
  users_select: plainly("selected_user"),
  conversations_select: plainly("selected_conversation"),
  channels_select: plainly("selected_channel"),
};

/** The raw values that a drawn element holds. @param {Element} node @returns {string[]} */
export function rawValues(node) {
  if (!node.matches(".checks")) return [node.value];
  return [...node.querySelectorAll("input:checked")].map((input) => input.value);
}

/** Put raw values back into a redrawn element. @param {Element} node @param {string[]} values */
export function restore(node, values) {
  if (!node.matches(".checks")) {
    node.value = values[0] ?? "";
    return;
  }
  for (const input of node.querySelectorAll("input")) input.checked = values.includes(input.value);
  node.dispatchEvent(new Event("change"));
}

/**
 * An element's entry in `state.values`, null for one that holds nothing (a button).
 * @param {any} element
 * @param {string[]} values
 * @returns {object | null}
 */
export function stateOf(element, values) {
  return Object.hasOwn(STATES, element.type) ? { type: element.type, ...STATES[element.type](element, values) } : null;
}
