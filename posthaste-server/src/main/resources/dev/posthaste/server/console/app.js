import { ApiError, login, logout, refreshSession, session } from './api.js';
import { audit } from './audit.js';
import { dead } from './dead.js';
import { h, show } from './dom.js';
import { event, events } from './events.js';
import { overview } from './overview.js';
import { replay } from './replay.js';

const PAGES = { overview, events, event, dead, replay, audit };
const NAV = [['overview', 'Overview'], ['events', 'Events'], ['dead', 'Dead letters'], ['replay', 'Replay'], ['audit', 'Audit']];
const main = document.getElementById('main');
const banner = document.getElementById('banner');
let generation = 0;

const parse = () => {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { name: PAGES[path] ? path : 'overview', query: Object.fromEntries(new URLSearchParams(query || '')) };
};

const trouble = (text) => {
  banner.hidden = !text;
  banner.textContent = text || '';
};

// A page lives until the next one opens, and its periodic work ends with it.
class Page {
  constructor(query) {
    this.query = query;
    this.generation = generation;
  }

  current() {
    return this.generation === generation;
  }

  async every(millis, work) {
    const turn = async () => {
      if (!this.current()) return;
      if (!document.hidden) await guarded(work);
      if (this.current()) setTimeout(turn, millis);
    };
    await turn();
  }
}

async function guarded(work) {
  try {
    await work();
    trouble('');
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      generation++;
      showLogin();
    } else {
      trouble(error.message);
    }
  }
}

function frame(current) {
  show(document.getElementById('nav'), NAV.map(([name, title], index) => h('a', {
    href: `#/${name}`, 'aria-current': name === current || (current === 'event' && name === 'events') ? 'page' : null, accesskey: String(index + 1), title: `${title} (${index + 1})`,
  }, title)));
  show(document.getElementById('who'),
    session.name ? h('span', { title: `daemon ${session.daemon}` }, `${session.name} · ${session.role}`) : null,
    h('button', { title: 'Light or dark theme', 'aria-label': 'Light or dark theme', onclick: toggleTheme }, '◐'),
    session.name && session.needsLogin && session.csrf ? h('button', { onclick: () => guarded(async () => { await logout(); showLogin(); }) }, 'Log out') : null);
}

function showLogin() {
  frame('');
  show(document.getElementById('nav'));
  const wrong = h('p', { class: 'wrong', role: 'alert' });
  const name = h('input', { name: 'name', autocomplete: 'username', required: true });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  show(main, h('form', {
    class: 'card login',
    onsubmit: async (event) => {
      event.preventDefault();
      wrong.textContent = '';
      try {
        await login(name.value, password.value);
        route();
      } catch (error) {
        wrong.textContent = error.message;
        password.value = '';
      }
    },
  }, h('h1', {}, 'Log in'), h('label', {}, 'Name', name), h('label', {}, 'Password', password), wrong, h('div', { class: 'actions' }, h('button', { class: 'main' }, 'Log in'))));
  name.focus();
}

function route() {
  if (!session.name) {
    showLogin();
    return;
  }
  generation++;
  const { name, query } = parse();
  frame(name);
  document.title = `Posthaste · ${(NAV.find(([each]) => each === name) || [0, 'Event'])[1]}`;
  // Each page has its own element, so late responses to an earlier page are drawn out of sight.
  const place = h('div', {}, h('p', { class: 'empty' }, 'Loading…'));
  show(main, place);
  guarded(() => PAGES[name](place, new Page(query)));
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  localStorage.setItem('posthaste-theme', root.dataset.theme);
  route();
}

// 1 to 5: pages; /: first filter; j and k: down and up in a list; Enter: open.
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, dialog')) return;
  const rows = [...document.querySelectorAll('tr.row')];
  const at = rows.indexOf(document.activeElement);
  if (NAV[Number(event.key) - 1]) location.hash = `#/${NAV[Number(event.key) - 1][0]}`;
  else if (event.key === '/') document.querySelector('form.filters input, form.filters select')?.focus();
  else if (event.key === 'j') rows[Math.min(at + 1, rows.length - 1)]?.focus();
  else if (event.key === 'k') rows[Math.max(at - 1, 0)]?.focus();
  else return;
  event.preventDefault();
});

const theme = localStorage.getItem('posthaste-theme');
if (theme) document.documentElement.dataset.theme = theme;
addEventListener('hashchange', route);
guarded(async () => {
  await refreshSession();
  route();
});
