import { get, may, newChangeId, outbox, post } from './api.js';
import { ask, h, number, show, table, time, toast } from './dom.js';
import { eventTable, outboxSelect, searchFields, searchOf, statusSelect } from './events.js';

// First a dry run, then the replay.
export async function replay(main, page) {
  const names = (await get('/outboxes')).outboxes.map((each) => each.name);
  const query = page.query;
  const preview = h('div', { id: 'preview' });
  const running = h('div', { id: 'replays' });
  const ids = (query.ids || '').split(',').filter(Boolean).map(Number);
  const form = h('form', { class: 'filters', onsubmit: (event) => { event.preventDefault(); dryRun(); } },
    outboxSelect(names, query.outbox || names[0]),
    ids.length ? h('p', { class: 'note' }, `positions ${ids.join(', ')}`) : [statusSelect(query.status || 'published', ['published', 'consumed']), searchFields(query)],
    h('label', {}, 'Other destination', h('input', { name: 'destination', placeholder: 'unchanged', autocomplete: 'off' })),
    h('label', {}, 'Maximum per second', h('input', { name: 'perSecond', type: 'number', min: '1', value: '100' })),
    h('button', { class: 'main' }, 'Dry run'));
  show(main, h('h1', {}, 'Replay'),
    h('p', { class: 'note' }, 'Publishes events again that were published before, oldest first, in the order of their keys. Each message keeps its event\'s id and is marked as a replay; an inbox that has handled it skips it.'),
    may('operator') ? form : h('p', { class: 'note' }, 'Your role may view replays but not start them.'), preview, h('h3', {}, 'Replays'), running);

  const body = () => {
    const asked = { perSecond: Number(form.elements.perSecond.value) };
    if (form.elements.destination.value.trim()) asked.destination = form.elements.destination.value.trim();
    if (ids.length) asked.ids = ids;
    else asked.search = searchOf(form);
    return asked;
  };

  async function dryRun() {
    const name = form.elements.outbox.value;
    const asked = body();
    show(preview, h('p', { class: 'note' }, 'Counting…'));
    let dry;
    try {
      dry = await post(`${outbox(name)}/replays`, { ...asked, dryRun: true });
    } catch (error) {
      show(preview, h('p', { class: 'wrong', role: 'alert' }, error.message));
      return;
    }
    const many = `${dry.counted ? '' : 'more than '}${number(dry.events)}`;
    const changeId = newChangeId();
    show(preview, h('div', { class: 'card' }, h('h2', {}, `${many} events would be sent`),
      dry.events ? [h('p', { class: 'note' }, `This takes about ${Math.ceil(dry.events / asked.perSecond)} s. The first events:`), eventTable(dry.sample),
        h('div', { class: 'actions' }, h('button', {
          class: 'main',
          onclick: async () => {
            const started = await ask({ title: `Replay ${many} events of ${name}`, button: 'Replay', act: (reason) => post(`${outbox(name)}/replays`, { ...asked, expecting: dry.counted ? dry.events : undefined, reason, changeId }) });
            if (started) {
              toast('Replay started');
              show(preview);
              await draw();
            }
          },
        }, 'Replay'))] : null));
  }

  async function draw() {
    const { replays } = await get('/replays');
    if (!page.current()) return;
    if (!replays.length) {
      show(running, h('p', { class: 'empty' }, 'No replays yet.'));
      return;
    }
    show(running, table([
      ['Started', (each) => time(each.startedAt), 'time'], ['Outbox', (each) => each.outbox], ['What', (each) => each.selection], ['Who', (each) => each.actor], ['Why', (each) => each.reason],
      ['State', (each) => [each.state, each.waitingFor ? h('div', { class: 'note' }, each.waitingFor) : null, each.errors.map((error) => h('div', { class: 'wrong' }, error))]],
      ['Sent', (each) => number(each.sent), 'number'], ['Failed', (each) => number(each.failed), 'number'],
      ['', (each) => (may('operator') ? h('div', { class: 'actions' },
        ['interrupted', 'failed'].includes(each.state) ? h('button', { class: 'main', onclick: () => post(`/replays/${encodeURIComponent(each.id)}/continue`).then(draw) }, 'Continue') : null,
        ['running', 'waiting', 'interrupted', 'failed'].includes(each.state) ? h('button', { class: 'grave', onclick: () => post(`/replays/${encodeURIComponent(each.id)}/cancel`).then(draw) }, 'Cancel') : null) : null)],
    ], replays));
  }
  await page.every(1500, draw);
}
