// The confirm dialog of an element.

import { fill, h } from "./dom.js";
import { plain, text } from "./mrkdwn.js";

/**
 * Ask as a confirm object says.
 * @param {{title: any, text: any, confirm: any, deny: any, style?: string}} asked
 * @returns {Promise<boolean>} whether the person said yes; Escape is no
 */
export function confirmed(asked) {
  const dialog = h("dialog", { class: "confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text", testid: "confirm" });
  const close = (answer) => () => dialog.close(answer);
  fill(
    dialog,
    h("h2", { id: "confirm-title" }, plain(asked.title)),
    h("div", { id: "confirm-text", class: "text" }, text(asked.text)),
    h(
      "div",
      { class: "dialog-foot" },
      h("button", { type: "button", class: "button", testid: "confirm-no", onclick: close("no") }, plain(asked.deny)),
      h("button", { type: "button", class: `button ${asked.style === "danger" ? "danger" : "primary"} solid`, testid: "confirm-yes", onclick: close("yes") }, plain(asked.confirm)),
    ),
  );
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
    // What changes nothing is what Enter does first.
    dialog.querySelector("[data-testid=confirm-no]").focus();
  });
}
