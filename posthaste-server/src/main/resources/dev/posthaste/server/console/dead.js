import { get, may, newChangeId, outbox, post } from './api.js';
import { ask, h, number, show, table, time, toast } from './dom.js';
import { eventTable, outboxSelect } from './events.js';

// Dead events grouped by error; a whole group is requeued or discarded at once.
export async function dead(main, page) {
  const all = (await get('/outboxes')).outboxes;
  const names = all.map((each) => each.name);
  const chosen = page.query.outbox || (all.find((each) => each.dead > 0) || all[0]).name;
  const groups = h('div', { id: 'groups' });
  const list = h('div', { id: 'results' });
  show(main, h('h1', {}, 'Dead letters'),
    h('form', { class: 'filters', onsubmit: (event) => event.preventDefault() },
      outboxSelect(names, chosen, { onchange: (event) => { location.hash = `#/dead?outbox=${encodeURIComponent(event.target.value)}`; } })),
    groups, h('h3', {}, 'Newest dead events'), list);

  const change = async (action, group) => {
    const changeId = newChangeId();
    const requeue = action === 'requeue';
    const search = { type: group.type, errorGroup: group.group };
    let expecting;
    try {
      expecting = (await post(`${outbox(chosen)}/${action}`, { search, dryRun: true })).events;
    } catch (error) {
      toast(error.message);
      return;
    }
    const result = await ask({
      title: `${requeue ? 'Requeue' : 'Discard'} ${number(expecting)} of ${group.type}`,
      text: requeue ? 'The events are sent again, in the order of their keys, and their attempts are counted from zero.' : 'The events are deleted permanently. The audit keeps each of them, with its payload.',
      button: requeue ? 'Requeue' : 'Discard',
      grave: !requeue,
      act: (reason) => post(`${outbox(chosen)}/${action}`, { search, expecting, reason, changeId }),
    });
    if (result) {
      toast(`${number(result.events)} ${requeue ? 'requeued' : 'discarded'}${result.locked ? `; ${number(result.locked)} are locked by others: try again` : result.complete ? '' : '; there are more: repeat it'}`);
      await draw();
    }
  };

  async function draw() {
    const { groups: found } = await get(outbox(chosen) + '/errors');
    if (!found.length) {
      show(groups, h('p', { class: 'empty' }, 'No dead events.'));
      show(list);
      return;
    }
    const columns = [
      ['Events', (group) => number(group.events), 'number'],
      ['Type', (group) => group.type],
      ['Error', (group) => [h('div', {}, group.group), group.example && group.example !== group.group ? h('div', { class: 'note clip' }, group.example) : null]],
      ['Newest', (group) => time(group.newestAt), 'time'],
    ];
    if (may('operator')) {
      columns.push(['', (group) => h('div', { class: 'actions' },
        h('button', { class: 'main', onclick: () => change('requeue', group) }, 'Requeue'),
        h('button', { class: 'grave', onclick: () => change('discard', group) }, 'Discard'))]);
    }
    show(groups, table(columns, found));
    const { events } = await get(outbox(chosen) + '/events', { status: 'dead', limit: 50 });
    if (page.current()) show(list, eventTable(events));
  }
  await draw();
}
