import { get } from './api.js';
import { h, number, show, table, time } from './dom.js';

export async function audit(main, page) {
  const names = (await get('/outboxes')).outboxes.map((each) => each.name);
  const chosen = page.query.outbox || '';
  const list = h('div', { id: 'results' });
  const more = h('button', { hidden: true, onclick: () => load(next) }, 'Older entries');
  let next = null;
  let found = [];
  show(main, h('h1', {}, 'Audit'), h('form', { class: 'filters', onsubmit: (event) => event.preventDefault() },
    h('label', {}, 'Outbox', h('select', { onchange: (event) => { location.hash = `#/audit?outbox=${encodeURIComponent(event.target.value)}`; } },
      h('option', { value: '' }, 'all'), names.map((name) => h('option', { value: name, selected: name === chosen }, name))))), list, h('div', { class: 'actions' }, more));

  async function load(before) {
    const answer = await get('/audit', { outbox: chosen, before });
    found = before === null ? answer.entries : found.concat(answer.entries);
    next = answer.next;
    more.hidden = next === null;
    if (!found.length) {
      show(list, h('p', { class: 'empty' }, 'No changes yet.'));
      return;
    }
    show(list, table([
      ['When', (entry) => time(entry.at), 'time'], ['Who', (entry) => entry.actor], ['What', (entry) => entry.action], ['Outbox', (entry) => entry.outbox],
      ['Event', (entry) => (entry.position === null ? '–' : h('a', { href: `#/event?outbox=${encodeURIComponent(entry.outbox)}&id=${entry.position}` }, entry.eventId || entry.position))],
      ['Events', (entry) => number(entry.events), 'number'], ['Why', (entry) => entry.reason],
      ['Details', (entry) => (entry.detail ? h('details', {}, h('summary', {}, 'Show'), h('pre', {}, entry.detail)) : '–')],
    ], found));
  }
  await load(null);
}
