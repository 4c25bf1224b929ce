/* row.js - one exchange as a row of the table. */

import { make, visibleLine } from './make.js';
import { formatDuration, formatSize, formatTime, word } from './words.js';

const methods = new Set(['get', 'post', 'put', 'patch', 'delete']);

export function makeStatus(exchange) {
  if (exchange.status)
    return make('span', `status s${Math.min(5, Math.max(1, Math.floor(exchange.status / 100)))}`, String(exchange.status));
  if (exchange.error) return make('span', 'status s-error', visibleLine(exchange.error));
  if (exchange.time_us === null) {
    const open = make('span', 'status s-open', '…');
    open.title = word('waiting');
    return open;
  }
  return make('span', 'status s-open', '–');
}

function cell(content, className) {
  const element = make('td', className, content);
  element.title = element.textContent;
  return element;
}

function pathCell(exchange) {
  const path = `${exchange.path ?? ''}${exchange.query === null ? '' : `?${exchange.query}`}`;
  const element = cell(visibleLine(path));
  if (!exchange.note && exchange.tags.length === 0) return element;
  const mark = make('span', 'note-mark', '●');
  mark.title = [exchange.note, ...exchange.tags].filter((part) => part).join(', ');
  element.prepend(mark);
  return element;
}

function hostOf(exchange) {
  const usual = { http: 80, https: 443 }[exchange.scheme];
  return `${exchange.host ?? ''}${exchange.port && exchange.port !== usual ? `:${exchange.port}` : ''}`;
}

export function makeRow(exchange) {
  const method = (exchange.method ?? exchange.kind).slice(0, 32);
  const colour = methods.has(method.toLowerCase()) ? method.toLowerCase() : 'other';
  const row = make('tr', '',
    cell(String(exchange.id)), cell(formatTime(exchange.at)), cell(visibleLine(method), `m-${colour}`),
    cell(visibleLine(hostOf(exchange))), pathCell(exchange), make('td', '', makeStatus(exchange)),
    cell(visibleLine(exchange.type ?? '')), cell(exchange.res_len ? formatSize(exchange.res_len) : ''),
    cell(formatDuration(exchange.time_us)));
  row.dataset.id = exchange.id;
  row.setAttribute('aria-selected', 'false');
  return row;
}
