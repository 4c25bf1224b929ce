/* search.js - the query bar: mistakes shown in place, and hints while typing. */

import { getJson } from './api.js';
import { make, makeButton } from './make.js';
import { word } from './words.js';

const form = document.getElementById('search');
const input = document.getElementById('query');
const fault = document.getElementById('fault');
const clear = document.getElementById('clear');
const slash = document.getElementById('slash');
const list = document.getElementById('hints');

let hints = null; /* { start, length, hints } of the text as it is */
let chosen = -1;
let asked = 0;
let onSearch = () => {};

/* The API counts bytes of UTF-8, the page counts as JavaScript does. */
function toBytes(text, index) {
  return new TextEncoder().encode(text.slice(0, index)).length;
}

function fromBytes(text, bytes) {
  return new TextDecoder().decode(new TextEncoder().encode(text).subarray(0, bytes)).length;
}

export function showFault(query, error) {
  const start = fromBytes(query, error.position);
  const end = fromBytes(query, error.position + error.length);
  const wrong = query.slice(start, end) || '␣';
  fault.replaceChildren(
    make('span', 'place', query.slice(Math.max(0, start - 40), start), make('mark', '', wrong), query.slice(end)),
    make('span', '', error.detail));
  if (error.suggestion) {
    fault.append(' ', makeButton('', word('suggestion', { text: error.suggestion }), () => {
      input.value = query.slice(0, start) + error.suggestion + query.slice(end);
      input.focus();
      submit();
    }));
  }
  form.classList.add('wrong');
  fault.hidden = false;
  hideHints();
}

export function hideFault() {
  form.classList.remove('wrong');
  fault.hidden = true;
}

function hideHints() {
  hints = null;
  chosen = -1;
  list.hidden = true;
}

function choose(index) {
  chosen = index;
  [...list.children].forEach((item, place) => item.setAttribute('aria-selected', String(place === index)));
  list.children[index]?.scrollIntoView({ block: 'nearest' });
}

function take(index) {
  const start = fromBytes(input.value, hints.start);
  const end = fromBytes(input.value, hints.start + hints.length);
  const text = hints.hints[index].text;
  input.value = input.value.slice(0, start) + text + input.value.slice(end);
  input.setSelectionRange(start + text.length, start + text.length);
  hideHints();
  input.focus();
  askHints();
}

function showHints(answer) {
  hints = answer;
  chosen = -1;
  list.replaceChildren(...answer.hints.slice(0, 40).map((hint, index) => {
    const item = make('li', '', make('span', '', hint.text), make('span', '', hint.about));
    item.setAttribute('role', 'option');
    item.addEventListener('pointerdown', (event) => {
      event.preventDefault();
      take(index);
    });
    return item;
  }));
  list.hidden = answer.hints.length === 0;
}

async function askHints() {
  const number = ++asked;
  if (input.value === '') {
    hideHints();
    return;
  }
  try {
    const answer = await getJson('query/hints',
      { params: { query: input.value, position: toBytes(input.value, input.selectionStart) } });
    if (number === asked && document.activeElement === input) showHints(answer);
  } catch {
    hideHints(); /* Hints are a help, not a need. */
  }
}

function submit() {
  asked++;
  hideHints();
  clear.hidden = input.value === '';
  slash.hidden = !clear.hidden;
  onSearch(input.value);
}

function onKey(event) {
  if (event.isComposing) return; /* the keys belong to the input method */
  const count = list.hidden ? 0 : list.children.length;
  if (event.key === 'ArrowDown' && count) choose((chosen + 1) % count);
  else if (event.key === 'ArrowUp' && count) choose((chosen + count - 1) % count);
  else if ((event.key === 'Tab' || event.key === 'Enter') && chosen >= 0) take(chosen);
  else if (event.key === 'Escape' && count) hideHints();
  else if (event.key === 'Escape') {
    hideFault();
    input.blur();
  }
  else return;
  event.preventDefault();
}

export function focusSearch() {
  input.focus();
  input.select();
}

export function labelSearch() {
  input.placeholder = word('search');
  input.setAttribute('aria-label', word('search'));
  clear.setAttribute('aria-label', word('clear'));
}

export function initSearch(whenSubmitted) {
  onSearch = whenSubmitted;
  input.addEventListener('input', () => {
    hideFault();
    clear.hidden = input.value === '';
    slash.hidden = !clear.hidden;
    askHints();
  });
  input.addEventListener('keydown', onKey);
  input.addEventListener('blur', hideHints);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  clear.addEventListener('click', () => {
    input.value = '';
    hideFault();
    submit();
  });
}
