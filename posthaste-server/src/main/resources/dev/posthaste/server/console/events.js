import { get, may, newChangeId, outbox, post } from './api.js';
import { ask, h, number, show, status, table, time, toast } from './dom.js';

const FIELDS = [['type', 'Type'], ['key', 'Key'], ['eventId', 'Event id'], ['error', 'Error contains']];

const field = (name, title, value, more = {}) => h('label', {}, title, h('input', { name, value: value || '', autocomplete: 'off', ...more }));

export const outboxSelect = (names, chosen, extra = {}) => h('label', {}, 'Outbox',
  h('select', { name: 'outbox', ...extra }, names.map((name) => h('option', { value: name, selected: name === chosen }, name))));

export const statusSelect = (chosen, words = ['', 'pending', 'published', 'consumed', 'dead']) => h('label', {}, 'Status',
  h('select', { name: 'status' }, words.map((word) => h('option', { value: word, selected: word === (chosen || '') }, word || 'any'))));

export const searchOf = (form) => {
  const search = {};
  for (const name of ['status', 'type', 'key', 'eventId', 'error']) {
    const value = form.elements[name] && form.elements[name].value.trim();
    if (value) search[name] = value;
  }
  for (const name of ['from', 'to']) {
    const value = form.elements[name] && form.elements[name].value;
    if (value) search[name] = new Date(value).toISOString();
  }
  return search;
};

export const searchFields = (query) => [
  FIELDS.map(([name, title]) => field(name, title, query[name])),
  field('from', 'Written from', query.from, { type: 'datetime-local', step: '1' }),
  field('to', 'Written before', query.to, { type: 'datetime-local', step: '1' }),
];

const rowOf = () => [
  ['Position', (event) => event.id, 'number'],
  ['Written', (event) => time(event.createdAt), 'time'],
  ['Status', (event) => status(event.status)],
  ['Type', (event) => event.type],
  ['Key', (event) => event.key ?? '–'],
  ['Event', (event) => event.eventId],
  ['Attempts', (event) => event.attempts, 'number'],
  ['Error', (event) => (event.error ? h('span', { class: 'clip', title: event.error }, event.error) : '–')],
];

export const eventTable = (events) => table(rowOf(), events, (event) => { location.hash = `#/event?outbox=${encodeURIComponent(event.outbox)}&id=${event.id}`; });

export async function events(main, page) {
  const names = (await get('/outboxes')).outboxes.map((each) => each.name);
  const query = page.query;
  const chosen = query.outbox || names[0];
  const results = h('div', { id: 'results' });
  const more = h('button', { hidden: true, onclick: () => load(next) }, 'Older events');
  const note = h('p', { class: 'note', role: 'status' });
  let next = null;
  let found = [];
  const form = h('form', {
    class: 'filters',
    onsubmit: (event) => {
      event.preventDefault();
      const position = form.elements.position.value.trim();
      if (position) {
        location.hash = `#/event?outbox=${encodeURIComponent(form.elements.outbox.value)}&id=${encodeURIComponent(position)}`;
        return;
      }
      const parts = new URLSearchParams({ outbox: form.elements.outbox.value });
      for (const name of ['status', 'type', 'key', 'eventId', 'error', 'from', 'to']) {
        if (form.elements[name].value.trim()) parts.set(name, form.elements[name].value.trim());
      }
      const hash = `#/events?${parts}`;
      if (hash === location.hash) load(null);
      else location.hash = hash;
    },
  }, outboxSelect(names, chosen), statusSelect(query.status), field('position', 'Position', '', { inputmode: 'numeric', pattern: '[0-9]*' }), searchFields(query), h('button', { class: 'main' }, 'Search'),
  h('button', { type: 'button', onclick: () => { location.hash = `#/events?outbox=${encodeURIComponent(form.elements.outbox.value)}`; } }, 'Clear'));
  show(main, h('h1', {}, 'Events'), form, results, h('div', { class: 'actions' }, more, note));

  // A search stops after a while and says how far it got; continue until a page is full or nothing is left.
  async function load(before) {
    if (before === null) found = [];
    more.hidden = true;
    const wanted = found.length + 50;
    let cursor = before;
    do {
      note.textContent = cursor === null ? 'Searching…' : `Searching below position ${number(cursor)}…`;
      const answer = await get(outbox(chosen) + '/events', { ...searchOf(form), before: cursor, limit: wanted - found.length });
      found = found.concat(answer.events);
      cursor = answer.next;
      if (!page.current()) return;
      if (found.length) show(results, eventTable(found));
    } while (cursor !== null && found.length < wanted);
    next = cursor;
    if (!found.length) show(results, h('p', { class: 'empty' }, 'No matching events.'));
    note.textContent = next === null ? `${number(found.length)} found in total` : `${number(found.length)} shown, newest first`;
    more.hidden = next === null;
  }
  await load(null);
}

const pretty = (text) => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

export async function event(main, page) {
  const { outbox: name, id } = page.query;
  const path = `${outbox(name)}/events/${encodeURIComponent(id)}`;
  const draw = async () => {
    const details = await get(path);
    const it = details.event;
    const fact = (title, value) => (value === null || value === undefined || value === '' ? [] : [h('dt', {}, title), h('dd', {}, value)]);
    const change = (action, title, text, grave) => h('button', {
      class: grave ? 'grave' : 'main',
      onclick: async () => {
        const changeId = newChangeId();
        const result = await ask({ title, text, button: title, grave, act: (reason) => post(`${outbox(name)}/${action}`, { ids: [it.id], reason, changeId }) });
        if (!result) return;
        toast(result.events ? `${title}: done` : 'Nothing changed: the event is no longer dead');
        if (action === 'discard' && result.events) location.hash = `#/dead?outbox=${encodeURIComponent(name)}`;
        else await draw();
      },
    }, title);
    const hidden = { role: 'Your role may not see payloads.', binary: 'The payload is binary.' };
    show(main,
      h('p', {}, h('a', { href: `#/events?outbox=${encodeURIComponent(name)}` }, `← ${name}`)),
      h('h1', {}, `Event ${it.eventId} `, status(it.status)),
      h('div', { class: 'card' },
        h('dl', {}, fact('Position', number(it.id)), fact('Type', `${it.type} ${it.version}`), fact('Key', it.key), fact('Destination', it.destination),
          fact('Routing key', it.routingKey), fact('Attempts', it.maxAttempts ? `${it.attempts} of ${it.maxAttempts}` : it.attempts), fact('Last error', it.error),
          fact('Cannot be sent', details.defect), fact('Written', time(it.createdAt)), it.nextAttemptAt ? fact('Next attempt', time(it.nextAttemptAt)) : [],
          it.publishedAt ? fact('Published', time(it.publishedAt)) : [], it.consumedAt ? fact('Consumed', time(it.consumedAt)) : []),
        may('operator') ? h('div', { class: 'actions' },
          it.status === 'dead' ? [change('requeue', 'Requeue', 'The event is sent again, and its attempts are counted from zero.'),
            change('discard', 'Discard', 'The event is deleted permanently. The audit keeps it, with its payload.', true)] : null,
          ['published', 'consumed'].includes(it.status) ? h('a', { class: 'button', href: `#/replay?outbox=${encodeURIComponent(name)}&ids=${it.id}` }, 'Replay') : null) : null),
      details.headers ? [h('h3', {}, 'Headers'), h('pre', { id: 'headers' }, pretty(details.headers))] : null,
      h('h3', {}, `Payload, ${number(details.payloadBytes)} bytes`),
      details.payload === null ? h('p', { class: 'note' }, hidden[details.hidden] || '') : h('pre', { id: 'payload' }, pretty(details.payload)),
      may('reader') ? h('a', { href: 'api/v1' + path + '/payload', download: '' }, 'Download unchanged') : null,
      h('h3', {}, 'Changes by operators'),
      details.audit.length ? table([['When', (entry) => time(entry.at), 'time'], ['Who', (entry) => entry.actor], ['What', (entry) => entry.action], ['Why', (entry) => entry.reason]], details.audit)
        : h('p', { class: 'note' }, 'None.'));
  };
  await draw();
}
