// Makes elements. Data from events is only set as text, never as markup.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

export const show = (place, ...children) => place.replaceChildren(...children.flat(Infinity).filter(Boolean));

export const number = (value) => (value === null || value === undefined ? '–' : value.toLocaleString('en-US'));

export const rate = (value) => (value >= 100 ? number(Math.round(value)) : value.toFixed(1)) + '/s';

export function time(text) {
  if (!text) return '–';
  const at = new Date(text);
  const two = (value) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function ago(millis) {
  const seconds = Math.round(millis / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export const status = (word) => h('span', { class: `status ${['pending', 'published', 'consumed', 'dead'].includes(word) ? word : ''}` }, word);

export function toast(text) {
  const note = h('div', { class: 'toast' }, text);
  document.getElementById('toasts').append(note);
  setTimeout(() => note.remove(), 6000);
}

// A table whose rows become cards on a phone. Each column: [title, cell, class].
export function table(columns, rows, onopen) {
  const body = rows.map((row) => {
    const cells = columns.map(([title, cell, kind]) => h('td', { class: kind, 'data-name': title }, cell(row)));
    if (!onopen) return h('tr', {}, cells);
    const open = () => onopen(row);
    return h('tr', {
      class: 'row', tabindex: '0',
      onclick: (event) => { if (!event.target.closest('a, button, input')) open(); },
      onkeydown: (event) => { if (event.key === 'Enter' && event.target === event.currentTarget) open(); },
    }, cells);
  });
  return h('div', { class: 'table stack' }, h('table', {},
    h('thead', {}, h('tr', {}, columns.map(([title]) => h('th', { scope: 'col' }, title)))), h('tbody', {}, body)));
}

// Asks for the reason, then acts. `fields` are further elements of the form; `act` gets the reason.
export function ask({ title, text, button, grave, fields = [], act }) {
  return new Promise((resolve) => {
    const wrong = h('p', { class: 'wrong', role: 'alert' });
    const reason = h('textarea', { name: 'reason', rows: '2', required: true, minlength: '3', maxlength: '500', placeholder: 'Recorded in the audit' });
    const go = h('button', { class: grave ? 'grave' : 'main', type: 'submit' }, button);
    const close = () => { dialog.close(); dialog.remove(); };
    const form = h('form', {
      onsubmit: async (event) => {
        event.preventDefault();
        if (go.disabled) return;
        go.disabled = true;
        wrong.textContent = '';
        try {
          const result = await act(reason.value);
          close();
          resolve(result);
        } catch (error) {
          wrong.textContent = error.message;
          go.disabled = false;
        }
      },
    }, h('h2', {}, title), text ? h('p', { class: 'note' }, text) : null, fields, h('label', {}, 'Why?', reason), wrong,
    h('div', { class: 'actions' }, go, h('button', { type: 'button', onclick: () => { close(); resolve(null); } }, 'Cancel')));
    const dialog = h('dialog', { oncancel: () => { dialog.remove(); resolve(null); } }, form);
    document.body.append(dialog);
    dialog.showModal();
    reason.focus();
  });
}
