/* app.js - the page: the live list, the status line, and what ties the other modules together. */

import { follow, getJson, hasToken } from './api.js';
import { closeDetail, initDetail, rebuildDetail, refreshDetail, showDetail } from './detail.js';
import { make } from './make.js';
import { makeRow } from './row.js';
import { focusSearch, hideFault, initSearch, labelSearch, showFault } from './search.js';
import { hideStart, showFirstSteps, showNeedsToken, showNothingMatches } from './start.js';
import { currentLanguage, fillWords, formatCount, switchLanguage, word } from './words.js';

const pageRows = 100;
const rowsMax = 500;
const searchAgainMs = 1000;

const body = document.getElementById('rows');
const scroll = document.getElementById('scroll');
const moreButton = document.getElementById('more');
const newestButton = document.getElementById('newest');
const bar = document.getElementById('bar');

const state = {
  query: '',
  items: [], /* newest first; rows of the table in the same order */
  more: null, /* { query, after }: how to ask for what is older; null at the end */
  isAtNewest: true, /* the list begins with the newest; false once older rows pushed them out */
  newestId: 0,
  newer: 0, /* how many came while it did not */
  selected: null,
  count: null,
  recorder: null,
  project: '',
  connection: 'connecting',
  isRefused: false,
};

/* --- the list --- */

function rowOf(id) {
  return body.querySelector(`tr[data-id="${id}"]`);
}

function place(exchange, isFresh) {
  const row = makeRow(exchange);
  if (exchange.id === state.selected) row.setAttribute('aria-selected', 'true');
  if (isFresh) row.classList.add('fresh');
  return row;
}

function showAll() {
  body.replaceChildren(...state.items.map((exchange) => place(exchange, false)));
  showAround();
}

function showAround() {
  moreButton.hidden = state.more === null;
  newestButton.hidden = state.isAtNewest;
  newestButton.textContent = state.newer ? word('newer', { n: formatCount(state.newer) }) : word('newest');
  if (!hasToken() || state.isRefused) showNeedsToken(state.isRefused);
  else if (state.items.length) hideStart();
  else if (state.query) showNothingMatches();
  else showFirstSteps();
}

async function load({ query, after }) {
  const page = await getJson('exchanges', { params: { query, limit: pageRows, after } });
  return { items: page.items, more: page.next === null ? null : { query, after: page.next } };
}

function showNewest(page) {
  Object.assign(state, page, { isAtNewest: true, newer: 0, newestId: page.items[0]?.id ?? 0 });
  scroll.scrollTop = 0;
  showAll();
}

async function reload() {
  const query = state.query;
  try {
    const page = await load({ query });
    if (query !== state.query) return;
    hideFault();
    showNewest(page);
    count();
  } catch (problem) {
    fail(problem);
  }
}

function fail(problem) {
  if (problem.status === 400 && problem.members.position !== undefined) showFault(state.query, problem.members);
  else if (problem.status === 401) refuse();
  else showBar(problem.message);
}

function refuse() {
  state.isRefused = true;
  state.items = [];
  state.more = null;
  showAll();
}

async function loadMore() {
  const more = state.more;
  if (more === null) return;
  const page = await load(more).catch(fail);
  if (!page || more !== state.more) return;
  state.items.push(...page.items);
  state.more = page.more;
  body.append(...page.items.map((exchange) => place(exchange, false)));
  if (state.items.length > rowsMax) {
    const surplus = state.items.length - rowsMax;
    const before = scroll.scrollHeight;
    state.items.splice(0, surplus);
    for (let i = 0; i < surplus; i++) body.firstChild.remove();
    scroll.scrollTop -= before - scroll.scrollHeight;
    state.isAtNewest = false;
  }
  showAround();
}

/* Puts one exchange where it belongs: replaced when known, else by its number. */
function merge(exchange) {
  const known = state.items.findIndex((item) => item.id <= exchange.id);
  if (known >= 0 && state.items[known].id === exchange.id) {
    state.items[known] = exchange;
    rowOf(exchange.id)?.replaceWith(place(exchange, false));
    refreshDetail(exchange);
    return;
  }
  if (known < 0 && state.more !== null) return;
  if (known === 0 && !state.isAtNewest) {
    state.newer += exchange.id > state.newestId;
    state.newestId = Math.max(state.newestId, exchange.id);
    return;
  }
  const at = known < 0 ? state.items.length : known;
  body.insertBefore(place(exchange, true), body.children[at] ?? null);
  state.items.splice(at, 0, exchange);
}

/* What falls out at the end is asked for by number, since no cursor stands there. */
function trim() {
  if (state.items.length <= rowsMax) return;
  while (state.items.length > rowsMax) {
    state.items.pop();
    body.lastChild.remove();
  }
  const older = `id < ${state.items.at(-1).id}`;
  state.more = { query: state.query ? `(${state.query}\n) AND ${older}` : older };
}

/* Rows that come in above must not move what is being looked at. */
function mergeAll(items) {
  const height = scroll.scrollHeight;
  const top = scroll.scrollTop;
  items.forEach(merge);
  if (top > 0) scroll.scrollTop = top + scroll.scrollHeight - height;
  trim();
  showAround();
}

/* --- live --- */

let searchTimer = null;

/* With a query only the server knows which of the new ones match. */
function searchAgain() {
  if (searchTimer) return;
  searchTimer = setTimeout(async () => {
    const query = state.query;
    const page = await load({ query }).catch(() => null);
    searchTimer = null;
    if (!page || query !== state.query) return;
    /* When nothing of it is known, rows are missing between it and the list. */
    if (state.isAtNewest && page.more && page.items.at(-1)?.id > (state.items[0]?.id ?? 0)) showNewest(page);
    else mergeAll(page.items.slice().reverse());
    count();
  }, searchAgainMs);
}

function onEvent(name, content) {
  if (name === 'status') {
    state.recorder = content;
    showBar();
  } else if (name === 'resync' || state.query) {
    searchAgain();
  } else {
    mergeAll(content.items);
    count();
  }
}

let countTimer = null;

function count() {
  if (countTimer) return;
  countTimer = setTimeout(async () => {
    const query = state.query;
    const answer = await getJson('exchanges/count', { params: { query } }).catch(() => null);
    countTimer = null;
    if (query === state.query) state.count = answer;
    showBar();
  }, 300);
}

/* --- choosing --- */

function select(id) {
  rowOf(state.selected)?.setAttribute('aria-selected', 'false');
  state.selected = id;
  const row = rowOf(id);
  if (!row) return;
  row.setAttribute('aria-selected', 'true');
  showDetail(state.items.find((item) => item.id === id));
  row.scrollIntoView({ block: 'nearest' });
}

function step(by) {
  if (state.items.length === 0) return;
  const now = state.items.findIndex((item) => item.id === state.selected);
  const wanted = now < 0 ? 0 : Math.max(0, Math.min(state.items.length - 1, now + by));
  select(state.items[wanted].id);
  if (wanted === state.items.length - 1) loadMore();
}

const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -rowsMax, End: rowsMax, j: 1, k: -1 };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
  const isElsewhere = event.target.closest('.message, .splitter');
  if (event.key === '/') focusSearch();
  else if (event.key === 'Escape') closeDetail();
  else if (event.key in steps && !isElsewhere) step(steps[event.key]);
  else return;
  event.preventDefault();
}

/* --- status line, language, colours --- */

function recordingState() {
  const recorder = state.recorder;
  if (!hasToken() || state.isRefused) return ['', ''];
  if (!recorder) return ['', word('connecting')];
  if (recorder.gap_since) return ['bad', word('gap')];
  return recorder.recording ? ['on', word('recording')] : ['', word('not_recording')];
}

function countText() {
  if (!state.count) return '';
  if (!state.query) return word('total', { n: formatCount(state.count.total) });
  return word(state.count.is_exact ? 'matching' : 'matching_least', { n: formatCount(state.count.count) });
}

function showBar(trouble) {
  const [dot, text] = recordingState();
  bar.replaceChildren(
    text ? make('span', 'state', make('span', `dot ${dot}`), text) : '',
    make('span', '', countText()),
    make('span', 'alarm', trouble ?? state.recorder?.alarm ?? ''),
    make('span', 'right', make('span', '', state.project ? word('project', { name: state.project }) : ''),
      make('span', '', hasToken() && !state.isRefused ? word(state.connection) : '')));
}

const themes = ['auto', 'light', 'dark'];
const dark = matchMedia('(prefers-color-scheme: dark)');

function theme() {
  const kept = localStorage.getItem('sekisho.theme');
  return themes.includes(kept) ? kept : 'auto';
}

function applyTheme() {
  const isDark = theme() === 'dark' || (theme() === 'auto' && dark.matches);
  const button = document.getElementById('theme');
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
  button.textContent = { auto: '◐', light: '☀', dark: '☾' }[theme()];
  button.title = word(`theme_${theme()}`);
  button.setAttribute('aria-label', button.title);
}

function applyLanguage() {
  const button = document.getElementById('language');
  document.documentElement.lang = currentLanguage();
  fillWords(document);
  labelSearch();
  button.textContent = word('other_language');
  button.title = word('other_language_hint');
  document.getElementById('splitter').setAttribute('aria-label', word('resize'));
  applyTheme();
  showAll();
  rebuildDetail();
  showBar();
}

/* --- start --- */

function listen() {
  initDetail(() => {
    select(null);
    scroll.focus();
  });
  initSearch((query) => {
    state.query = query;
    reload();
  });
  body.addEventListener('click', (event) => {
    const row = event.target.closest('tr');
    if (row) select(Number(row.dataset.id));
  });
  moreButton.addEventListener('click', loadMore);
  newestButton.addEventListener('click', reload);
  document.addEventListener('keydown', onKey);
  dark.addEventListener('change', applyTheme);
  document.getElementById('language').addEventListener('click', () => {
    switchLanguage();
    applyLanguage();
  });
  document.getElementById('theme').addEventListener('click', () => {
    localStorage.setItem('sekisho.theme', themes[(themes.indexOf(theme()) + 1) % themes.length]);
    applyTheme();
  });
}

async function start() {
  listen();
  applyTheme();
  if (!hasToken()) {
    applyLanguage();
    return;
  }
  hideStart();
  fillWords(document);
  await reload();
  applyLanguage();
  if (state.isRefused) return;
  getJson('status').then((status) => {
    state.project = status.project.name;
    state.recorder = status.recorder;
    showBar();
  }, fail);
  follow({
    onEvent,
    onState: (connection) => {
      state.connection = connection;
      showBar();
    },
    onRefused: refuse,
  });
}

start();
