// Times in the viewer's own zone: Slack's date formatting, message times, day lines.

const at = (seconds, options) => new Intl.DateTimeFormat("en", options).format(new Date(seconds * 1000));
const hour12 = new Intl.DateTimeFormat(navigator.language, { hour: "numeric" }).resolvedOptions().hour12 ?? false;
const TIME = { hour: hour12 ? "numeric" : "2-digit", minute: "2-digit", hour12, ...(hour12 ? {} : { hourCycle: "h23" }) };
const SECONDS = { ...TIME, second: "2-digit" };
const LONG = { weekday: "long", year: "numeric", month: "long", day: "numeric" };

function pretty(seconds, options) {
  const today = new Date();
  const days = [[0, "today"], [-1, "yesterday"], [1, "tomorrow"]];
  const then = new Date(seconds * 1000).toDateString();
  for (const [shift, word] of days) {
    const day = new Date(today);
    day.setDate(today.getDate() + shift);
    if (day.toDateString() === then) return word;
  }
  return at(seconds, options);
}

function ago(seconds) {
  const away = Math.round(seconds - Date.now() / 1000);
  const steps = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const [size, unit] = steps.find(([each]) => Math.abs(away) >= each) ?? [1, "second"];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.trunc(away / size), unit);
}

const FORMATS = {
  date_num: (t) => new Date(t * 1000 - new Date(t * 1000).getTimezoneOffset() * 60000).toISOString().slice(0, 10),
  date_slash: (t) => at(t, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: (t) => at(t, { year: "numeric", month: "long", day: "numeric" }),
  date_short: (t) => at(t, { year: "numeric", month: "short", day: "numeric" }),
  date_long: (t) => at(t, LONG),
  date_pretty: (t) => pretty(t, { year: "numeric", month: "long", day: "numeric" }),
  date_short_pretty: (t) => pretty(t, { year: "numeric", month: "short", day: "numeric" }),
  date_long_pretty: (t) => pretty(t, LONG),
  day_divider_pretty: (t) => pretty(t, LONG),
  time: (t) => at(t, TIME),
  time_secs: (t) => at(t, SECONDS),
  ago,
};

/**
 * A time in Slack's format, as in "{date_short} at {time}"; "" when it cannot be formatted.
 * @param {number} seconds Unix seconds
 * @param {string} format
 * @returns {string}
 */
export function formatted(seconds, format) {
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 8.64e12) return "";
  return format.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(FORMATS, name) ? FORMATS[name](seconds) : whole));
}

/** A time of day. @param {number} seconds @returns {string} */
export const clock = (seconds) => formatted(seconds, "{time}");

/** All of a time, for a tooltip. @param {number} seconds @returns {string} */
export const full = (seconds) => formatted(seconds, "{date_long} {time_secs}");

/** The line between days. @param {number} seconds @returns {string} */
export const day = (seconds) => formatted(seconds, "{date_long_pretty}").replace(/^./, (first) => first.toUpperCase());
