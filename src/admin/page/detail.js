/* detail.js - the chosen exchange: what is known of it, and its two halves side by side. */

import { call, getJson } from './api.js';
import { make, makeButton, visibleLine } from './make.js';
import { makeMessage } from './message.js';
import { formatDuration, word } from './words.js';
import { makeStatus } from './row.js';

const detail = document.getElementById('detail');
const splitter = document.getElementById('splitter');
let shown = null;
let onClosed = () => {};

function factsOf(exchange) {
  const tls = exchange.origin_tls ?? exchange.client_tls;
  return [exchange.client_proto, tls?.version, tls?.cipher, exchange.origin_ip, formatDuration(exchange.time_us)]
    .filter((fact) => fact).map(visibleLine).join(' · ');
}

function makeNote(exchange) {
  const input = make('input');
  input.placeholder = word('note');
  input.setAttribute('aria-label', word('note'));
  input.value = exchange.note ?? '';
  input.maxLength = 2000;
  input.addEventListener('change', () => {
    exchange.note = input.value || null;
    call(`exchanges/${exchange.id}/marks`, {
      method: 'PUT',
      body: { note: input.value, tags: exchange.tags, color: exchange.color ?? '' },
    }).catch((problem) => input.setCustomValidity(problem.message));
  });
  return input;
}

function makeTrust(exchange) {
  const button = makeButton('', word('trust'), async () => {
    button.disabled = true;
    try {
      await call('trust', { method: 'POST', body: { host: exchange.host, port: exchange.port } });
      button.replaceWith(make('span', '', word('trusted')));
    } catch (problem) {
      button.replaceWith(make('span', '', problem.message));
    }
  });
  return button;
}

function makeTrouble(exchange) {
  if (!exchange.error && exchange.flags.length === 0) return null;
  return make('div', exchange.error ? 'trouble' : 'trouble odd',
    exchange.error ? make('span', '', visibleLine(exchange.error_text ?? exchange.error)) : null,
    ...exchange.flags.map((flag) => make('span', 'flag', visibleLine(flag))),
    exchange.error === 'verify' && exchange.host ? makeTrust(exchange) : null);
}

function build(exchange) {
  const url = make('span', 'url', visibleLine(`${exchange.method ?? exchange.kind} ${exchange.url ?? ''}`));
  url.title = url.textContent;
  return [
    make('div', 'summary', makeStatus(exchange), url, make('span', 'facts', factsOf(exchange)), makeNote(exchange),
      makeButton('plain', '✕', closeDetail)),
    makeTrouble(exchange),
    make('div', 'halves', makeMessage(exchange, 'request', rebuild), makeMessage(exchange, 'response', rebuild)),
  ].filter((part) => part);
}

function rebuild() {
  if (shown) detail.replaceChildren(...build(shown));
  detail.querySelector('.summary .plain')?.setAttribute('aria-label', word('close'));
}

/* Shows the exchange of that row; the row may be older than what is known by now. */
export async function showDetail(row) {
  shown = row;
  detail.hidden = splitter.hidden = false;
  try {
    const exchange = await getJson(`exchanges/${row.id}`);
    if (shown?.id !== row.id) return;
    shown = exchange;
    rebuild();
  } catch (problem) {
    if (shown?.id === row.id) detail.replaceChildren(make('p', 'remark', problem.message));
  }
}

/* A row that has changed: shown again only when something of it is new. */
export function refreshDetail(row) {
  if (shown?.id !== row.id || (shown.res_len === row.res_len && shown.time_us === row.time_us)) return;
  if (detail.contains(document.activeElement) && document.activeElement.tagName === 'INPUT') return;
  showDetail(row);
}

export function closeDetail() {
  if (!shown) return;
  shown = null;
  detail.hidden = splitter.hidden = true;
  detail.replaceChildren();
  onClosed();
}

export function rebuildDetail() {
  rebuild();
}

function resize(height) {
  const room = document.getElementById('main').clientHeight;
  const wanted = Math.max(120, Math.min(room - 130, height));
  detail.style.height = `${wanted}px`;
}

export function initDetail(whenClosed) {
  onClosed = whenClosed;
  splitter.addEventListener('pointerdown', (event) => {
    const start = event.clientY + detail.clientHeight;
    const move = (moved) => resize(start - moved.clientY);
    splitter.setPointerCapture(event.pointerId);
    splitter.addEventListener('pointermove', move);
    splitter.addEventListener('pointerup', () => splitter.removeEventListener('pointermove', move), { once: true });
  });
  splitter.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowUp') resize(detail.clientHeight + 24);
    else if (event.key === 'ArrowDown') resize(detail.clientHeight - 24);
    else return;
    event.preventDefault();
  });
}
