// Talking to the local workspace: JSON requests with its header, and the stream of changes.

const HEADERS = { "Content-Type": "application/json", "X-Playground": "1" };

async function ask(method, path, body) {
  const init = method === "GET" ? { method } : { method, headers: HEADERS, body: JSON.stringify(body ?? {}) };
  try {
    const response = await fetch(path, init);
    return await response.json();
  } catch {
    return { ok: false, error: "unreachable", message: "The local workspace does not answer. Is it still running?" };
  }
}

const query = (params) => new URLSearchParams(Object.entries(params).filter(([, value]) => value)).toString();

/**
 * Read something; never throws: what failed has `ok: false` (or no expected field), `error` and `message`.
 * @param {string} path
 * @param {Record<string, string>} [params]
 * @returns {Promise<any>}
 */
export const get = (path, params = {}) => {
  const asked = query(params);
  return ask("GET", asked ? `${path}?${asked}` : path);
};

/**
 * Do something; never throws.
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
export const post = (path, body) => ask("POST", path, body);

/**
 * Clear something; never throws.
 * @param {string} path
 * @returns {Promise<any>}
 */
export const remove = (path) => ask("DELETE", path);

/**
 * Listen to what changes for a person; reconnects by itself.
 * @param {string} user
 * @param {(event: any) => void} heard
 * @param {(connected: boolean) => void} linked called when the stream opens or breaks
 * @returns {() => void} stops listening
 */
export function listen(user, heard, linked) {
  const source = new EventSource(`/play/events?${query({ user })}`);
  source.onopen = () => linked(true);
  source.onerror = () => linked(false);
  source.onmessage = (message) => heard(JSON.parse(message.data));
  return () => source.close();
}
