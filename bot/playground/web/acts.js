// What a person does to elements: asking for confirmation first, then telling the workspace, then saying what went wrong.

import { post } from "./api.js";
import { confirmed } from "./confirm.js";
import { state } from "./state.js";
import { toast } from "./toast.js";

/**
 * Show the error of an action; the workspace reports failures of the app itself, as a toast event.
 * @param {any} answer
 * @returns {boolean} whether it went well
 */
export function reportError(answer) {
  if (!answer.ok && answer.message) toast(answer.message, "error");
  return answer.ok;
}

/** Resolves to false when the person called it off, or it went wrong. */
async function click(place, block, element, value) {
  const body = { user: state.me, action_id: element.action_id, block_id: block.block_id ?? null, value, ...place };
  if (element.confirm && !(await confirmed(element.confirm))) return false;
  let answer = await post("/play/click", { ...body, confirmed: Boolean(element.confirm) });
  // The element changed meanwhile and asks for leave now.
  if (answer.error === "confirm_required" && answer.confirm) {
    if (!(await confirmed(answer.confirm))) return false;
    answer = await post("/play/click", { ...body, confirmed: true });
  }
  return reportError(answer);
}

/**
 * A context for blocks whose clicks go to a message, a view or the Home tab.
 * @param {{channel?: string, ts?: string, view_id?: string}} place
 * @returns {{act: (block: any, element: any, value: any) => Promise<boolean>}}
 */
export const acting = (place) => ({ act: (block, element, value) => click(place, block, element, value) });
