/* start.js - what stands in the place of the list when there is nothing to list. */

import { getJson } from './api.js';
import { make, makeButton } from './make.js';
import { word } from './words.js';

const place = document.getElementById('empty');

function code(text) {
  const copy = makeButton('', word('copy'), async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = word('copied');
  });
  return make('div', 'code', make('code', '', text), copy);
}

function step(title, text, ...more) {
  return make('li', '', make('h2', '', word(title)), make('p', '', word(text)), ...more);
}

function link(path, text) {
  const anchor = make('a', '', text);
  anchor.href = path;
  anchor.download = '';
  return anchor;
}

function showSheet(...children) {
  place.replaceChildren(make('div', 'sheet', ...children));
  place.hidden = false;
}

export async function showFirstSteps() {
  const status = await getJson('status').catch(() => null);
  const listen = status?.proxy.listen ?? '127.0.0.1:8080';
  showSheet(make('h1', '', word('empty_title')), make('p', '', word('empty_text')),
    make('ol', 'steps',
      step('step1', 'step1_more', code(`http://${listen}`)),
      step('step2', 'step2_more', link('/ca.pem', word('step2_link'))),
      step('step3', 'step3_more', code(`curl -x http://${listen} http://example.com/`))),
    make('p', '', word('or_browser')), code('sekisho browser'));
}

export function showNothingMatches() {
  showSheet(make('h1', '', word('nothing_matches')), make('p', '', word('nothing_matches_hint')));
}

export function showNeedsToken(wasRefused) {
  showSheet(make('h1', '', word(wasRefused ? 'wrong_token_title' : 'no_token_title')),
    make('p', '', word('no_token_text')), code('sekisho url'));
}

export function hideStart() {
  place.hidden = true;
}
