import { get, may, newChangeId, outbox, post } from './api.js';
import { Chart } from './charts.js';
import { ago, ask, h, number, rate, show, time, toast } from './dom.js';

const LEVELS = { up: 'up', attention: 'attention', degraded: 'degraded', down: 'down' };

// One card per outbox, made once and then updated in place, so that nothing jumps while you click.
export async function overview(main, page) {
  const cards = new Map();
  const grid = h('div', { class: 'cards' });
  show(main, h('h1', {}, 'Outboxes'), grid);
  await page.every(2000, async () => {
    const { outboxes } = await get('/outboxes');
    for (const each of outboxes) {
      if (!cards.has(each.name)) {
        const card = new Card(each.name);
        cards.set(each.name, card);
        grid.append(card.element);
      }
      cards.get(each.name).set(each);
    }
    await Promise.all([...cards.values()].map((card) => card.draw()));
  });
}

class Card {
  constructor(name) {
    this.name = name;
    this.level = h('span', { class: 'level' });
    this.words = h('div', { class: 'words' });
    this.numbers = h('div', { class: 'numbers' });
    this.facts = h('div', {});
    this.chartPlace = h('div', { class: 'chart' });
    this.pause = h('button', { onclick: () => this.togglePause() });
    this.element = h('section', { class: 'card', 'data-outbox': name, 'aria-label': name },
      h('header', {}, h('h2', {}, name), this.level), this.words, this.numbers, this.chartPlace, this.facts,
      h('div', { class: 'actions' }, h('a', { class: 'button', href: `#/events?outbox=${encodeURIComponent(name)}` }, 'Events'),
        may('operator') ? this.pause : null));
  }

  set(state) {
    this.state = state;
    this.level.className = `level ${LEVELS[state.level] ? state.level : ''}`;
    this.level.textContent = LEVELS[state.level] || state.level;
    show(this.words, state.words.map((word) => h('p', {}, word)));
    const link = (status, title, value) => h('a', { href: `#/events?outbox=${encodeURIComponent(this.name)}&status=${status}`, 'data-status': status }, h('b', {}, number(value)), title);
    show(this.numbers,
      link('pending', 'pending', state.pending),
      h('a', { href: `#/dead?outbox=${encodeURIComponent(this.name)}`, 'data-status': 'dead' }, h('b', {}, number(state.dead)), 'dead'),
      link('published', 'published', state.counts.published),
      state.tracked ? link('consumed', 'consumed', state.counts.consumed) : null,
      h('span', {}, h('b', {}, state.pending ? ago(state.oldestMillis) : '–'), 'oldest pending'),
      h('span', {}, h('b', {}, rate(state.writtenPerSecond)), 'written'),
      h('span', {}, h('b', {}, rate(state.donePerSecond)), 'done'));
    const lease = state.lease;
    show(this.facts,
      h('p', { class: 'facts' }, `to ${state.destination} on ${state.broker}`, state.brokerState ? (state.brokerState.up ? ' (up)' : ' (unreachable)') : '', ` · from ${state.table} in ${state.database}`),
      h('p', { class: 'facts' }, lease && lease.owner ? `relayed by ${lease.owner}, epoch ${lease.epoch}` : 'no relay',
        lease && lease.relays.length ? ` · ready: ${lease.relays.join(', ')}` : '',
        state.countedAt ? ` · counted ${time(state.countedAt)}` : ''));
    this.pause.textContent = lease && lease.pausedBy ? 'Resume' : 'Pause';
  }

  async draw() {
    if (!this.chart) this.chart = new Chart(this.chartPlace);
    const { samples } = await get(outbox(this.name) + '/history', { minutes: 15 });
    this.chart.set(samples);
  }

  async togglePause() {
    const paused = this.state.lease && this.state.lease.pausedBy;
    const changeId = newChangeId();
    const done = await ask({
      title: `${paused ? 'Resume' : 'Pause'} ${this.name}`,
      text: paused ? 'Relays resume with the waiting events.' : 'All relays stop publishing from this outbox. Writers are not affected; events wait.',
      button: paused ? 'Resume' : 'Pause',
      act: (reason) => post(`${outbox(this.name)}/${paused ? 'resume' : 'pause'}`, { reason, changeId }),
    });
    if (done) toast(`${this.name} ${paused ? 'is resumed' : 'is paused; relays stop within seconds'}`);
  }
}
