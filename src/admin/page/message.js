/* message.js - shows one half of an exchange: as text, as on the wire, or in hex. */

import { call, save } from './api.js';
import { make, makeButton, visibleText } from './make.js';
import { formatSize, word } from './words.js';

/* More than this of a message is not put into the page; it can be saved. */
const shownBytes = 256 * 1024;
const hexBytes = 64 * 1024;
const colouredBytes = 128 * 1024;

let wantedMode = 'text';

async function fetchWire(id, side, limit) {
  const response = await call(`exchanges/${id}/${side}`, { params: { limit } });
  return {
    bytes: new Uint8Array(await response.arrayBuffer()),
    total: Number(response.headers.get('Sekisho-Total')),
  };
}

async function fetchBody(id, side) {
  const response = await call(`exchanges/${id}/${side}/body`, { params: { decoded: 1, max: shownBytes } });
  return { text: await response.text(), about: response.headers.get('Sekisho-Body') ?? 'complete' };
}

function remark(text) {
  return make('span', 'remark', text);
}

/* Start line and fields, coloured. */
function headParts(text) {
  const parts = [];
  visibleText(text).trimEnd().split('\n').forEach((line, index) => {
    const colon = line.indexOf(':', 1);
    if (index === 0) parts.push(make('span', 'start', line), '\n');
    else if (colon > 0) parts.push(make('span', 'name', line.slice(0, colon)), `${line.slice(colon)}\n`);
    else parts.push(`${line}\n`);
  });
  return parts;
}

const jsonToken = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

function jsonParts(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(jsonToken)) {
    const [whole, string, colon, number] = match;
    parts.push(text.slice(end, match.index));
    if (string) parts.push(make('span', colon ? 'name' : 'string', string), colon ?? '');
    else parts.push(make('span', number ? 'number' : 'literal', whole));
    end = match.index + whole.length;
  }
  parts.push(text.slice(end));
  return parts;
}

function bodyParts(text, type) {
  const shown = visibleText(text);
  if (!/json/i.test(type) || text.length > colouredBytes) return [shown];
  try {
    return jsonParts(visibleText(JSON.stringify(JSON.parse(text), null, 2)));
  } catch {
    return jsonParts(shown);
  }
}

function remarksOf(about) {
  if (about === 'complete') return [];
  return about.split(', ').map((state) => remark(word(`state_${state.replaceAll('-', '_')}`)));
}

async function textParts(exchange, side) {
  const prefix = side === 'request' ? 'req' : 'res';
  if (exchange.kind === 'tunnel') return rawParts(exchange, side);
  const head = await fetchWire(exchange.id, side, Math.min(exchange[`${prefix}_head_len`], shownBytes));
  const parts = headParts(new TextDecoder().decode(head.bytes));
  if (exchange[`${prefix}_body_len`] === 0) return parts;
  const body = await fetchBody(exchange.id, side);
  return [...parts, '\n', ...bodyParts(body.text, contentType(parts)),
    ...remarksOf(body.about)];
}

function contentType(parts) {
  const at = parts.findIndex((part) => part.textContent?.toLowerCase() === 'content-type');
  return at < 0 ? '' : parts[at + 1];
}

async function rawParts(exchange, side) {
  const wire = await fetchWire(exchange.id, side, shownBytes);
  const parts = [visibleText(new TextDecoder().decode(wire.bytes))];
  if (wire.bytes.length < wire.total)
    parts.push(remark(word('cut', { n: formatSize(shownBytes), all: formatSize(wire.total) })));
  return parts;
}

function hexLine(bytes, offset) {
  const row = [...bytes.subarray(offset, offset + 16)];
  const hex = row.map((byte) => byte.toString(16).padStart(2, '0'));
  const left = hex.slice(0, 8).join(' ').padEnd(23);
  const right = hex.slice(8).join(' ').padEnd(23);
  const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
  return `${offset.toString(16).padStart(8, '0')}  ${left}  ${right}  ${text}\n`;
}

async function hexParts(exchange, side) {
  const wire = await fetchWire(exchange.id, side, hexBytes);
  let lines = '';
  for (let offset = 0; offset < wire.bytes.length; offset += 16) lines += hexLine(wire.bytes, offset);
  const parts = [lines];
  if (wire.bytes.length < wire.total)
    parts.push(remark(word('cut', { n: formatSize(hexBytes), all: formatSize(wire.total) })));
  return parts;
}

const modes = { text: textParts, raw: rawParts, hex: hexParts };

async function fill(pane, exchange, side) {
  const mode = wantedMode;
  const content = pane.querySelector('.message');
  const length = exchange[side === 'request' ? 'req_len' : 'res_len'];
  if (length === 0) {
    content.replaceChildren(remark(word(side === 'request' ? 'no_request' : 'no_response')));
    return;
  }
  try {
    const parts = await modes[mode](exchange, side);
    if (mode !== wantedMode || !pane.isConnected) return;
    content.classList.toggle('hex', mode === 'hex');
    content.replaceChildren(...parts);
  } catch (problem) {
    content.replaceChildren(remark(`${word('error_title')} ${problem.message}`));
  }
}

/* The pane of one half; `onMode` is called when another way of showing is chosen, so that both halves change. */
export function makeMessage(exchange, side, onMode) {
  const length = exchange[side === 'request' ? 'req_len' : 'res_len'];
  const buttons = Object.keys(modes).map((mode) => {
    const button = makeButton('', word(mode), () => {
      wantedMode = mode;
      onMode();
    });
    button.setAttribute('aria-pressed', String(mode === wantedMode));
    return button;
  });
  const saveButton = makeButton('plain', word('save'), () =>
    save(`exchanges/${exchange.id}/${side}`, `exchange-${exchange.id}-${side}.bin`));
  saveButton.hidden = length === 0;
  const content = make('pre', 'message', remark(word('loading')));
  content.tabIndex = 0;
  const pane = make('section', 'half',
    make('header', '', make('h2', '', word(side)), make('span', 'size', length ? formatSize(length) : null),
      make('div', 'modes', ...buttons), saveButton), content);
  queueMicrotask(() => fill(pane, exchange, side));
  return pane;
}
