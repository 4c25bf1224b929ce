/* words.js - every text of the page, in English and in Japanese. */

const words = {
  en: {
    col_id: '#', col_at: 'Time', col_method: 'Method', col_host: 'Host', col_path: 'Path', col_status: 'Status',
    col_type: 'Type', col_size: 'Size', col_time: 'Took',
    search: 'Search: status:404   host = example.com   res.body : "token"',
    clear: 'Clear the query', more: 'Load older', newest: 'Back to the newest', newer: '{n} new',
    other_language: '日本語', other_language_hint: '日本語で表示',
    theme_auto: 'Theme: as the system', theme_light: 'Theme: light', theme_dark: 'Theme: dark',
    request: 'Request', response: 'Response', text: 'Text', raw: 'Raw', hex: 'Hex', save: 'Save', close: 'Close',
    no_response: 'No response.', no_request: 'No request was seen.', no_body: 'No body.', loading: 'Loading…',
    cut: 'Shown up to {n}. Save it to see all of {all}.',
    state_truncated: 'cut off here', state_incomplete: 'the message ended early',
    state_bomb: 'decompressing was stopped', state_coding_unknown: 'unknown coding, shown as it is',
    state_malformed: 'damaged',
    trust: 'Accept this certificate', trusted: 'Accepted for this project. Try again in your client.',
    overview: 'Overview', address: 'From {client} to {origin}', note: 'Note…',
    recording: 'Recording', not_recording: 'Not recording', gap: 'Gap: traffic is not being recorded',
    live: 'Live', connecting: 'Connecting…', offline: 'No connection to sekisho',
    total: '{n} exchanges', matching: '{n} match', matching_least: 'at least {n} match', project: 'Project {name}',
    nothing_matches: 'Nothing matches.', nothing_matches_hint: 'Change the query, or clear it to see everything.',
    empty_title: 'The gate is open.', empty_text: 'Nothing has passed yet. Three steps:',
    step1: 'Send your traffic through', step1_more: 'Set it as the HTTP and HTTPS proxy of your client.',
    step2: 'Trust the certificate', step2_more: 'Save ca.pem here, or open http://sekisho.proxy/ through the proxy.',
    step2_link: 'Save ca.pem', step3: 'Look here', step3_more: 'Rows appear as they pass. A first try:',
    or_browser: 'Or start a browser that is set up already:',
    no_token_title: 'This page needs its key.',
    no_token_text: 'Open it with the link that sekisho printed when it started. This prints the link again:',
    wrong_token_title: 'The key is not right any more.', waiting: 'in progress', suggestion: 'Did you mean {text}?',
    copy: 'Copy', copied: 'Copied', resize: 'Size of the detail view', error_title: 'That did not work.',
  },
  ja: {
    col_id: '#', col_at: '時刻', col_method: 'メソッド', col_host: 'ホスト', col_path: 'パス', col_status: '状態',
    col_type: '種類', col_size: 'サイズ', col_time: '所要時間',
    search: '検索: status:404   host = example.com   res.body : "個人情報"',
    clear: '検索条件を消す', more: 'さらに古いものを読み込む', newest: '最新へ戻る', newer: '新着 {n} 件',
    other_language: 'English', other_language_hint: 'Show in English',
    theme_auto: '配色: システムに合わせる', theme_light: '配色: ライト', theme_dark: '配色: ダーク',
    request: 'リクエスト', response: 'レスポンス', text: 'テキスト', raw: '生データ', hex: '16進', save: '保存',
    close: '閉じる',
    no_response: 'レスポンスはありません。', no_request: 'リクエストは届いていません。', no_body: '本文はありません。',
    loading: '読み込み中…',
    cut: '先頭 {n} を表示しています。全体 ({all}) は保存して確認してください。',
    state_truncated: 'ここで省略', state_incomplete: 'メッセージが途中で終了', state_bomb: '展開を中止',
    state_coding_unknown: '未知の符号化のためそのまま表示', state_malformed: '破損',
    trust: 'この証明書を許可する', trusted: 'このプロジェクトで許可しました。クライアントで再試行してください。',
    overview: '概要', address: '{client} から {origin} へ', note: 'メモ…',
    recording: '記録中', not_recording: '記録していません', gap: '欠落: 通信が記録されていません',
    live: '接続中', connecting: '接続しています…', offline: 'sekisho に接続できません',
    total: '全 {n} 件', matching: '{n} 件が一致', matching_least: '{n} 件以上が一致', project: 'プロジェクト {name}',
    nothing_matches: '一致するものがありません。', nothing_matches_hint: '検索条件を変えるか、消してください。',
    empty_title: '関所は開いています。', empty_text: 'まだ何も通っていません。次の三つの手順で始められます。',
    step1: '通信をここへ通す', step1_more: 'クライアントの HTTP / HTTPS プロキシに設定します。',
    step2: '証明書を信頼する',
    step2_more: 'ここで ca.pem を保存するか、プロキシ経由で http://sekisho.proxy/ を開きます。',
    step2_link: 'ca.pem を保存', step3: 'ここで見る', step3_more: '通過したものから順に並びます。お試し:',
    or_browser: '設定済みのブラウザーを起動することもできます:',
    no_token_title: 'このページには鍵が必要です。',
    no_token_text: '起動時に表示されたリンクから開いてください。リンクをもう一度表示するには:',
    wrong_token_title: '鍵が正しくありません。', waiting: '進行中', suggestion: 'もしかして: {text}',
    copy: 'コピー', copied: 'コピーしました', resize: '詳細表示の大きさ', error_title: '失敗しました。',
  },
};

let language = localStorage.getItem('sekisho.language') ?? (navigator.language.startsWith('ja') ? 'ja' : 'en');
if (!(language in words)) language = 'en';

export function currentLanguage() {
  return language;
}

export function switchLanguage() {
  language = language === 'en' ? 'ja' : 'en';
  localStorage.setItem('sekisho.language', language);
}

/* The text of that name, with {parts} filled in. */
export function word(name, parts = {}) {
  return words[language][name].replace(/\{(\w+)\}/g, (_, part) => String(parts[part]));
}

/* Fills everything that names its text in data-word. */
export function fillWords(root) {
  for (const element of root.querySelectorAll('[data-word]')) element.textContent = word(element.dataset.word);
}

export function formatCount(count) {
  return count.toLocaleString(language);
}

export function formatSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function formatDuration(us) {
  if (us === null) return '';
  if (us < 1000) return `${us} µs`;
  if (us < 10000) return `${(us / 1000).toFixed(1)} ms`;
  if (us < 1000000) return `${Math.round(us / 1000)} ms`;
  return us < 60000000 ? `${(us / 1000000).toFixed(1)} s` : `${Math.round(us / 60000000)} min`;
}

/* Of today only the time, of other days the date too. */
export function formatTime(at) {
  const date = new Date(at);
  const time = date.toLocaleTimeString('en-GB', { hour12: false });
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString('sv')} ${time}`;
}
