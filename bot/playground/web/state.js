// What the page knows: the workspace as the chosen person sees it, where they are, and who wants to hear of changes.

import { get } from "./api.js";

const USER_KEY = "playground-user";

/** The one state of the page; changed only by the functions here and by `go` in main.js. */
export const state = {
  me: "",
  team: "",
  users: [],
  channels: [],
  groups: [],
  commands: [],
  shortcuts: [],
  bot: { id: "", name: "", connected: false },
  violations: [],
  faults: [],
  panel: false,
  /** Where the person looks: { kind: "channel" | "home", id }. */
  place: { kind: "channel", id: "" },
  /** The open thread: { channel, ts } or null. */
  thread: null,
};

const listeners = new Set();

/**
 * Call back after each refresh of the state.
 * @param {() => void} callback
 */
export function onChange(callback) {
  listeners.add(callback);
}

/** Tell everybody that the state changed. */
export function changed() {
  for (const callback of listeners) callback();
}

/**
 * The person of this tab; each tab may have another one.
 * @returns {string}
 */
export const remembered = () => sessionStorage.getItem(USER_KEY) ?? "";

/**
 * Act as another person from now on.
 * @param {string} user
 */
export function remember(user) {
  sessionStorage.setItem(USER_KEY, user);
}

/**
 * Ask for the workspace's state as the person sees it.
 * @returns {Promise<any>} the answer, with the person's open modal in `view`
 */
export async function refresh() {
  let answer = await get("/play/state", { user: remembered() });
  if (answer.error === "user_not_found") {
    sessionStorage.removeItem(USER_KEY);
    answer = await get("/play/state");
  }
  if (!answer.ok) return answer;
  const { me, team, users, channels, groups, commands, shortcuts, bot, violations, faults, panel } = answer;
  Object.assign(state, { me, team, users, channels, groups, commands, shortcuts, bot, violations, faults, panel });
  changed();
  return answer;
}

/** @param {string} id */
export const user = (id) => state.users.find((each) => each.id === id);

/** @param {string} id an id or a name */
export const channel = (id) => state.channels.find((each) => each.id === id || each.name === id);

/** @param {string} id */
export const group = (id) => state.groups.find((each) => each.id === id);

/**
 * The name a person or the app goes by, "" for an unknown id.
 * @param {string} id
 * @returns {string}
 */
export const nameOf = (id) => (id === state.bot.id ? state.bot.name : (user(id)?.name ?? ""));
