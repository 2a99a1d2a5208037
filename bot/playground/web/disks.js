// The disks of a simulated cluster: a map by zone and host, and the handles of the one that was picked.

import { h } from "./dom.js";

const STATUS = { 1: "normal", 2: "broken", 3: "repairing", 4: "repaired", 5: "dropped" };
const LETTERS = { broken: "B", repairing: "r", repaired: "R", dropped: "×", dropping: "d", expired: "?", "read-only": "o", normal: "" };
const CHUNKS_AT_ONCE = 10;
const REPAIRED = 4;
const SHOWN = ["broken", "repairing", "repaired", "dropped", "dropping", "expired", "read-only"];

/** The one word for a disk: its status, or what is odd about a normal one. */
function word(disk) {
  const status = STATUS[disk.status] ?? `status ${disk.status}`;
  if (status !== "normal") return status;
  return disk.dropping ? "dropping" : disk.expired ? "expired" : disk.readonly ? "read-only" : "normal";
}

function grouped(disks) {
  const zones = new Map();
  for (const disk of disks) {
    const hosts = zones.get(disk.idc) ?? new Map();
    hosts.set(disk.host, [...(hosts.get(disk.host) ?? []), disk]);
    zones.set(disk.idc, hosts);
  }
  return zones;
}

const terabytes = (bytes) => `${(bytes / 1e12).toFixed(1)} TB`;

function tile(disk, picked, pick) {
  const state = word(disk);
  const label = `Disk ${disk.disk_id}, ${disk.host} ${disk.path}: ${state}`;
  const look = `tile ${state.replace(/\W/g, "-")}`;
  return h("button", { type: "button", class: look, testid: `disk-${disk.disk_id}`, "aria-pressed": String(disk.disk_id === picked), "aria-label": label, title: label, onclick: () => pick(disk.disk_id) }, LETTERS[state] || String(disk.disk_id));
}

function details(disk, act) {
  const own = { disk_id: disk.disk_id };
  const handle = (name, label, action, body = own, off = false, kind = "") =>
    h("button", { type: "button", class: `small ${kind}`, testid: `disk-${name}`, disabled: off, onclick: () => act(action, body) }, label);
  const step = (name, label, off) => handle(name, label, "repair_disk", { ...own, step: name }, off);
  const { status } = disk;
  return h(
    "div",
    { class: "disk-details", testid: "disk-details" },
    h("div", {}, h("strong", {}, `Disk ${disk.disk_id}`), ` ${word(disk)}, ${terabytes(disk.used)} of ${terabytes(disk.size)} used`),
    h("div", { class: "mono" }, `${disk.host} ${disk.path} · ${disk.rack}`),
    h("div", { testid: "disk-chunks" }, `Volumes have ${disk.units} ${disk.units === 1 ? "unit" : "units"} on it`),
    h(
      "div",
      { class: "handles" },
      handle("break", "Break", "break_disk", own, status === 2, "danger"),
      step("repairing", "Repairing", status === 3),
      step("repaired", "Repaired", status === 4),
      step("dropped", "Dropped", status === 5),
      step("normal", "Replace", status === 1 && !disk.dropping),
      handle("readonly", disk.readonly ? "Writable" : "Read-only", "set_disk_readonly", { ...own, value: !disk.readonly }),
      handle("drop", "Drop", "drop_disk", own, disk.dropping || status !== 1),
      handle("move", "Move chunks", "move_chunks", { ...own, left: Math.max(0, disk.units - CHUNKS_AT_ONCE) }, disk.units === 0),
      handle("land", "Land unit", "land_unit", own, status < REPAIRED),
      handle("expire", disk.expired ? "Heartbeat" : "Expire", "expire_disk", { ...own, expired: !disk.expired }),
    ),
  );
}

/**
 * The map of disks.
 * @param {any[]} disks
 * @param {number} picked a disk id, 0 for none
 * @param {(disk: number) => void} pick
 * @param {(action: string, body: object) => void} act
 * @returns {HTMLElement[]}
 */
export function diskMap(disks, picked, pick, act) {
  const counts = SHOWN.map((state) => [state, disks.filter((disk) => word(disk) === state).length]).filter(([, count]) => count);
  const held = disks.find((disk) => disk.disk_id === picked);
  const zone = ([name, hosts]) =>
    h("div", { class: "zone" }, h("span", { class: "zone-name" }, name), [...hosts].map(([host, own]) => h("div", { class: "host", title: host }, own.map((disk) => tile(disk, picked, pick)))));
  return [
    h("div", { class: "zones" }, [...grouped(disks)].map(zone)),
    h("p", { class: "counts" }, counts.length ? counts.map(([state, count]) => `${count} ${state}`).join(", ") : "All normal. Pick one to break just that."),
    held && details(held, act),
  ].filter(Boolean);
}
