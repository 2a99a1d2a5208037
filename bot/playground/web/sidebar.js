// The sidebar: whose workspace it is, who one acts as, the channels with what is unread, and the app.

import { fill, h, icon, keepingFocus } from "./dom.js";
import { state } from "./state.js";

const nav = () => document.getElementById("sidebar");

function switcher(change) {
  const label = (user) => `${user.real_name}${user.role_note ? ` · ${user.role_note}` : ""}`;
  return h(
    "label",
    { class: "switch" },
    h("span", {}, "You act as"),
    h(
      "select",
      { testid: "user-switch", value: state.me, onchange: (event) => change(event.target.value) },
      state.users.map((user) => h("option", { value: user.id }, label(user))),
    ),
  );
}

const iconOf = (channel) => (channel.is_archived ? "archive" : channel.is_private ? "lock" : "hash");

function channelLink(channel) {
  const here = state.place.kind === "channel" && state.place.id === channel.id;
  const unread = here ? 0 : channel.unread;
  const name = channel.is_im ? state.bot.name : channel.name;
  return h(
    "a",
    {
      href: `#/${channel.id}`,
      class: `place${unread ? " unread" : ""}${channel.is_archived ? " faint" : ""}`,
      "aria-current": here ? "page" : null,
      "aria-label": `${name}${unread ? `, ${unread} unread` : ""}`,
      testid: `channel-${channel.name}`,
    },
    channel.is_im ? h("img", { class: "mini", src: "/web/logo.svg", alt: "" }) : icon(iconOf(channel)),
    h("span", { class: "name" }, name),
    unread > 0 && h("span", { class: "count" }, unread > 99 ? "99+" : String(unread)),
  );
}

function app() {
  const here = state.place.kind === "home";
  const word = state.bot.connected ? "connected" : "not connected";
  return h(
    "a",
    { href: "#/home", class: "place", "aria-current": here ? "page" : null, testid: "home", title: `${state.bot.name} is ${word}` },
    h("img", { class: "mini", src: "/web/logo.svg", alt: "" }),
    h("span", { class: "name" }, `${state.bot.name} Home`),
    h("span", { class: `dot ${state.bot.connected ? "on" : "off"}`, role: "img", "aria-label": word }),
  );
}

/**
 * Draw the sidebar.
 * @param {(user: string) => void} change called when another person is chosen
 */
export function drawSidebar(change) {
  const seen = state.channels.filter((channel) => channel.is_member);
  const direct = seen.filter((channel) => channel.is_im);
  const open = seen.filter((channel) => !channel.is_im && !channel.is_archived);
  const closed = seen.filter((channel) => channel.is_archived);
  keepingFocus(nav(), () =>
    fill(
      nav(),
      h("div", { class: "team" }, h("h1", {}, state.team), h("p", {}, "Nothing leaves this machine")),
      switcher(change),
      h("h2", {}, "Channels"),
      h("div", { class: "places" }, open.map(channelLink), closed.map(channelLink)),
      h("h2", {}, "App"),
      h("div", { class: "places" }, app(), direct.map(channelLink)),
    ),
  );
}
