/* make.js - builds elements. What was captured only ever enters the page here, as text. */

/* Characters that are not seen, or that change how others are seen, as their number; control characters as pictures. */
const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function show(char) {
  const point = char.codePointAt(0);
  if (point < 0x20) return String.fromCodePoint(0x2400 + point);
  return point === 0x7f ? '␡' : `⟨U+${point.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

/* For one line: line ends and tabs are shown too. */
export function visibleLine(text) {
  return text.replace(/[\n\t]/g, show).replace(hidden, show);
}

/* For text of many lines; CR before LF is how HTTP ends lines and is left out. */
export function visibleText(text) {
  return text.replace(/\r\n/g, '\n').replace(hidden, show);
}

/* make('p', 'class name', child, ...): children are elements or text; NULL is left out. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function makeButton(className, text, onClick) {
  const button = make('button', className, text);
  button.type = 'button';
  button.addEventListener('click', onClick);
  return button;
}
