// Emoji in colour, as Slack shows them: from the machine's font of coloured ones, else as drawings, where each would be an empty box.

const SVG = "http://www.w3.org/2000/svg";
const RED = "#d92d3a";
const YELLOW = "#eab308";
const GREEN = "#22a05a";
const BLUE = "#2f74c9";
const GREY = "#8590a0";
const DARK = "#23272f";
const WHITE = "#ffffff";

const shape = (d, fill) => ({ d, fill });
const line = (d, stroke, width = 1.6) => ({ d, fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round" });
const DISC = "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13";
const TILE = "M3.5 1.5h9a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2";
const disc = (fill) => [shape(DISC, fill)];
const ring = (fill) => [{ ...line(DISC, GREY, 1.2), fill }];
const slash = line("m2 2 12 12", RED, 1.8);
const glass = [
  shape("M4.2 2.5h7.6c0 3-2.6 4-2.6 5.5s2.6 2.5 2.6 5.5H4.2c0-3 2.6-4 2.6-5.5S4.2 5.5 4.2 2.5", "#cfe3f5"),
  shape("M5.2 13c.5-2 1.8-2.6 2.8-3.6 1 1 2.3 1.6 2.8 3.6zM6 5.5h4c-.5 1-1.4 1.6-2 2.3-.6-.7-1.5-1.3-2-2.3", YELLOW),
  line("M3.5 2h9M3.5 14h9", "#8a5a2b", 1.8),
];
const bell = shape("M8 2a1 1 0 0 1 1 1c2 .5 3 2 3 4.5 0 2 .6 3 1.5 4h-11c.9-1 1.5-2 1.5-4C4 5 5 3.5 7 3a1 1 0 0 1 1-1M6.5 12.5h3a1.5 1.5 0 0 1-3 0", YELLOW);
const speaker = shape("M2 6h2.5L8.5 2.5v11L4.5 10H2z", GREY);
const head = "M8 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6";

// By character, without its variation selector; each is painted on a square of 16.
const DRAWN = {
  "🔴": disc(RED),
  "🟠": disc("#e8740c"),
  "🟡": disc(YELLOW),
  "🟢": disc(GREEN),
  "🔵": disc(BLUE),
  "⚪": ring("#f4f5f7"),
  "⚫": ring("#2b2f36"),
  "⚠": [shape("M8 1.2 15.3 14.3H.7z", YELLOW), line("M8 6v3.8m0 2.2v.1", DARK)],
  "✅": [shape(TILE, GREEN), line("m4.5 8.3 2.5 2.5 4.5-5.3", WHITE, 2)],
  "❌": [line("m3 3 10 10M13 3 3 13", RED, 2.6)],
  "⛔": [shape(DISC, RED), line("M4.8 8h6.4", WHITE, 2.4)],
  "❓": [line("M5 5.2C5.2 1.5 11 1.6 11 5c0 2.3-3 2.3-3 5m0 3.4v.1", RED, 2.2)],
  "❗": [line("M8 2v7.5m0 3.9v.1", RED, 2.6)],
  "⏳": glass,
  "⌛": glass,
  "⏱": [line("M6.5 1.5h3M8 1.5v2m4 .2 1 1", GREY), { ...line("M8 3.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 3.8", GREY), fill: WHITE }, line("M8 9V6", RED)],
  "⏹": [shape(TILE, BLUE), shape("M5.2 5.2h5.6v5.6H5.2z", WHITE)],
  "ℹ": [shape(TILE, BLUE), line("M8 7.5V12m0-8v.1", WHITE, 2)],
  "🚨": [shape("M3.5 11.5V7.5a4.5 4.5 0 0 1 9 0v4z", RED), shape("M2 11.5h12V14H2z", GREY), line("M6 8a2 2 0 0 1 2-2", WHITE, 1.2)],
  "🔔": [bell],
  "🔕": [bell, slash],
  "🔇": [speaker, slash],
  "🔧": [line("m3 13 6-6", GREY, 2.6), shape("M14.3 4.6a4 4 0 1 1-2.9-2.9L9.5 3.6l.4 2.5 2.5.4z", GREY)],
  "📝": [shape("M2.5 1.5h9v13h-9z", "#e8ebf0"), line("M4.5 5h5m-5 3h4m-4 3h2.5", GREY, 1.2), line("m8.5 11.5 5-5", "#e8740c", 2.2)],
  "🤖": [line("M8 1.5v2.2", GREY), shape("M3.5 3.7h9a2 2 0 0 1 2 2v6.8a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2V5.7a2 2 0 0 1 2-2", GREY), line("M5.3 7.7v.1m5.4-.1v.1", WHITE, 2.6), line("M5 11.5h6", WHITE)],
  "👤": [shape(head, "#5b6b85"), shape("M2 14.5c0-7 12-7 12 0z", "#5b6b85")],
  "🙋": [shape(head, YELLOW), shape("M2.5 14.5c0-7 11-7 11 0z", BLUE), line("M12.3 10.5 14 3.5", YELLOW, 1.8)],
  "👀": [{ ...line("M4.5 3.5c3.5 0 3.5 9 0 9s-3.5-9 0-9m7 0c3.5 0 3.5 9 0 9s-3.5-9 0-9", GREY, 1), fill: WHITE }, line("M5.3 8.5v1m7-1v1", DARK, 2.4)],
  "🔓": [line("M5 7.5V4.5a2.7 2.7 0 0 1 5.3-.7", GREY, 1.8), shape("M3 7.5h10v7H3z", YELLOW), line("M8 10.3v1.4", DARK)],
  "🔒": [line("M5 7.5v-3a3 3 0 0 1 6 0v3", GREY, 1.8), shape("M3 7.5h10v7H3z", YELLOW), line("M8 10.3v1.4", DARK)],
  "📣": [shape("M2 6.5 13 2v11L2 9.5z", RED), shape("M4 9.5h3l.8 4H5.3z", GREY), line("M14.5 6v3", GREY)],
  "🔄": [shape(TILE, BLUE), line("M4.5 7.5a3.6 3.6 0 0 1 6.5-1.6m.5 2.6A3.6 3.6 0 0 1 5 10.1", WHITE), shape("M11.9 3.8v3H8.9zM4.1 12.2v-3h3z", WHITE)],
};
const OTHER = [shape(DISC, YELLOW), line("M5.5 6.2v.4m5-.4v.4M5 9.8c1.5 2 4.5 2 6 0", DARK)];

// A whole emoji: those above with or without their selector, flags, digits in a box, and people with a skin or joined to others.
const ONE = "(?:\\p{Emoji_Presentation}\\p{Emoji_Modifier}?|\\p{Extended_Pictographic}(?:\\uFE0F|\\p{Emoji_Modifier}))\\uFE0F?";
const EMOJI = new RegExp(`(?:${Object.keys(DRAWN).join("|")})\\uFE0F?(?!\\u200D)|\\p{RI}\\p{RI}|[0-9#*]\\uFE0F?\\u20E3|${ONE}(?:\\u200D${ONE})*`, "gu");

/** True if this machine draws a recent emoji in colour. */
const coloured = () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 24;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return true;
  context.font = `16px ${getComputedStyle(document.documentElement).getPropertyValue("--font") || "sans-serif"}`;
  context.textBaseline = "top";
  context.fillText("🟢", 2, 2);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, at) => at % 4 === 0 && Math.abs(value - data[at + 1]) > 40);
};
// Whether the machine has such a font; asked once, at the first emoji.
let inFont = null;

const bare = (char) => char.replaceAll("\uFE0F", "");

function drawing(char) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("viewBox", "0 0 16 16");
  node.setAttribute("aria-hidden", "true");
  for (const part of DRAWN[bare(char)] ?? OTHER) {
    const path = document.createElementNS(SVG, "path");
    for (const [name, value] of Object.entries(part)) path.setAttribute(name, String(value));
    node.append(path);
  }
  return node;
}

function marked(name, ...children) {
  const node = document.createElement("span");
  node.className = name;
  node.append(...children);
  return node;
}

function shown(char) {
  if (!inFont) return marked(Object.hasOwn(DRAWN, bare(char)) ? "emoji" : "emoji other", drawing(char), marked("unseen", char));
  // Fonts of text have small black forms of these, which would be taken first.
  return bare(char).length === 1 ? marked("emoji-font", char) : char;
}

/**
 * Text with its emoji in colour; the characters stay there for readers and the clipboard.
 * @param {string} text
 * @returns {(string | Node)[]}
 */
export function pictured(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(EMOJI)) {
    inFont ??= coloured();
    parts.push(text.slice(end, found.index), shown(found[0]));
    end = found.index + found[0].length;
  }
  parts.push(text.slice(end));
  return parts.filter((part) => part !== "");
}
