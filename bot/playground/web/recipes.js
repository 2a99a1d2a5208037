// What to press to see each alert: a list of the rules, each with a button that does it to the chosen cluster.

import { get, post } from "./api.js";
import { fill, h } from "./dom.js";
import { toast } from "./toast.js";

const SOON = 120;

async function see(recipe, cluster) {
  const answer = await post(`/control/alerts/${encodeURIComponent(cluster())}/${recipe.rule}`, {});
  if (answer.ok) toast(`Done: ${recipe.press}. The alert ${recipe.rule} follows`);
  else toast(answer.message ?? answer.error ?? "That did not work", "error");
}

const row = (recipe, cluster) =>
  h(
    "li",
    { class: "recipe" },
    h("div", {}, h("code", {}, recipe.rule), h("div", { class: "words" }, recipe.press, recipe.within > SOON && ` (within ${Math.ceil(recipe.within / 60)} minutes)`)),
    h("button", { type: "button", class: "small", testid: `see-${recipe.rule}`, "aria-label": `See ${recipe.rule}`, onclick: () => see(recipe, cluster) }, "See it"),
  );

const missing = ([rule, why]) => h("li", { class: "recipe" }, h("div", {}, h("code", {}, rule), h("div", { class: "words" }, `Not here: it ${why}`)));

/**
 * The list of alerts; it is read once.
 * @param {() => string} cluster the name of the chosen cluster
 * @returns {HTMLElement[]}
 */
export function recipeList(cluster) {
  const list = h("ul", { class: "recipes" });
  get("/control/alerts").then(({ recipes = [], not_seen: none = {} }) => fill(list, recipes.map((each) => row(each, cluster)), Object.entries(none).map(missing)));
  return [h("p", { class: "counts" }, "Each alert comes within two minutes. “Restore all nodes” ends most of them; disks are repaired while the scheduler runs."), list];
}
