/* api.js - calls of the API, each with the token.
 *
 * The token comes in the fragment of the start link, is taken out of the address bar, and stays in the storage of this
 * tab: cookies would also go to other ports of this machine, where sites under test may run.
 */

const tokenKey = 'sekisho.token';

function takeToken() {
  const found = /^#token=([0-9a-f]{64})$/.exec(location.hash);
  if (!found) return;
  sessionStorage.setItem(tokenKey, found[1]);
  history.replaceState(null, '', location.pathname + location.search);
}

takeToken();
addEventListener('hashchange', () => {
  takeToken();
  location.reload();
});

export function hasToken() {
  return sessionStorage.getItem(tokenKey) !== null;
}

/* What went wrong, with the members of the problem document. */
export class Problem extends Error {
  constructor(status, members) {
    super(members.detail ?? `HTTP ${status}`);
    this.status = status;
    this.members = members;
  }
}

async function problemOf(response) {
  try {
    return new Problem(response.status, await response.json());
  } catch {
    return new Problem(response.status, {});
  }
}

/* The response of a call that succeeded; throws Problem. */
export async function call(path, { params = {}, method = 'GET', body, headers = {}, signal } = {}) {
  const search = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== undefined && value !== ''));
  const url = `/api/v1/${path}${search.size ? `?${search}` : ''}`;
  const response = await fetch(url, {
    method,
    signal,
    headers: {
      Authorization: `Bearer ${sessionStorage.getItem(tokenKey) ?? ''}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: 'no-store',
    credentials: 'omit',
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function getJson(path, options) {
  return (await call(path, options)).json();
}

/* Saves what a call gives as a file. */
export async function save(path, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await (await call(path)).blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/* One event of the stream from its lines. */
function parseEvent(text) {
  const event = { name: 'message', data: '', id: undefined };
  for (const line of text.split('\n')) {
    if (line.startsWith('event: ')) event.name = line.slice(7);
    else if (line.startsWith('data: ')) event.data += line.slice(6);
    else if (line.startsWith('id: ')) event.id = line.slice(4);
  }
  return event;
}

async function readEvents(response, onEvent) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop();
    for (const event of events.map(parseEvent)) if (event.data) onEvent(event);
  }
}

/* Follows the events for ever, going on where a connection broke. onState gets 'connecting', 'live' or 'offline'; it ends
 * only when the token is refused, with onRefused. */
export async function follow({ onEvent, onState, onRefused }) {
  let lastId;
  let delay = 500;
  for (;;) {
    onState(delay > 500 ? 'offline' : 'connecting');
    try {
      const response = await call('events', { headers: lastId ? { 'Last-Event-ID': lastId } : {} });
      onState('live');
      delay = 500;
      await readEvents(response, (event) => {
        lastId = event.id ?? lastId;
        onEvent(event.name, JSON.parse(event.data));
      });
    } catch (error) {
      if (error.status === 401 || error.status === 403) {
        onRefused();
        return;
      }
    }
    onState('offline');
    await new Promise((resolve) => setTimeout(resolve, delay));
    delay = Math.min(delay * 2, 8000);
  }
}
