// The common emoji short codes.

const CODES = {
  "+1": "👍", "-1": "👎", alarm_clock: "⏰", arrow_down: "⬇️", arrow_right: "➡️", arrow_up: "⬆️", ballot_box_with_check: "☑️",
  bangbang: "‼️", bar_chart: "📊", bell: "🔔", bell_off: "🔕", no_bell: "🔕", bug: "🐛", bulb: "💡", calendar: "📅",
  chart_with_downwards_trend: "📉", chart_with_upwards_trend: "📈", clap: "👏", clipboard: "📋", clock1: "🕐", cloud: "☁️",
  construction: "🚧", crown: "👑", cry: "😢", dart: "🎯", dvd: "📀", electric_plug: "🔌", exclamation: "❗", eyes: "👀",
  file_folder: "📁", fire: "🔥", floppy_disk: "💾", gear: "⚙️", ghost: "👻", green_heart: "💚", grey_question: "❔",
  hammer: "🔨", hammer_and_wrench: "🛠️", heart: "❤️", heavy_check_mark: "✔️", heavy_exclamation_mark: "❗", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", information_source: "ℹ️", joy: "😂", key: "🔑", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_orange_circle: "🟠", large_red_circle: "🔴", large_red_square: "🟥", large_yellow_circle: "🟡",
  link: "🔗", lock: "🔒", loudspeaker: "📢", mag: "🔍", mega: "📣", memo: "📝", minidisc: "💽", mute: "🔇", negative_squared_cross_mark: "❎",
  no_entry: "⛔", no_entry_sign: "🚫", ok: "🆗", ok_hand: "👌", one: "1️⃣", optical_disk: "💿", package: "📦", pencil: "✏️",
  point_right: "👉", pray: "🙏", pushpin: "📌", question: "❓", raised_hands: "🙌", recycle: "♻️", red_circle: "🔴", repeat: "🔁",
  robot_face: "🤖", rocket: "🚀", rotating_light: "🚨", scream: "😱", scroll: "📜", shield: "🛡️", skull: "💀", sleeping: "😴", smile: "😄",
  slightly_smiling_face: "🙂", smiley: "😃", snail: "🐌", sos: "🆘", sparkles: "✨", speech_balloon: "💬", star: "⭐", stop_button: "⏹️",
  stopwatch: "⏱️", tada: "🎉", thinking_face: "🤔", three: "3️⃣", thumbsdown: "👎", thumbsup: "👍", timer_clock: "⏲️", toolbox: "🧰",
  trophy: "🏆", two: "2️⃣", unlock: "🔓", warning: "⚠️", wastebasket: "🗑️", wave: "👋", white_check_mark: "✅", white_circle: "⚪",
  wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/**
 * The character of a short code without its colons, "" when it is not known here.
 * @param {string} name
 * @returns {string}
 */
export const emoji = (name) => (Object.hasOwn(CODES, name) ? CODES[name] : "");

/**
 * Text with the short codes that are known replaced.
 * @param {string} text
 * @returns {string}
 */
export const withEmoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emoji(name) || whole);
