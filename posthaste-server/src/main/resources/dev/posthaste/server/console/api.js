// Talks to /api/v1. Every change carries the session's CSRF token and its own id, so that the server recognises a second
// click.
const BASE = 'api/v1';

export const session = { name: null, role: null, csrf: null, needsLogin: false, daemon: '' };

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function call(method, path, body) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    if (session.csrf) headers['X-Posthaste-Csrf'] = session.csrf;
  }
  let response;
  try {
    response = await fetch(BASE + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new ApiError(0, 'The daemon does not answer. Events are safe in their databases.');
  }
  const text = await response.text();
  let json = {};
  try {
    json = text ? JSON.parse(text) : {};
  } catch {
    json = { error: 'The daemon did not answer with JSON' };
  }
  if (!response.ok) throw new ApiError(response.status, json.error || `The daemon answered ${response.status}`);
  return json;
}

export const get = (path, query = {}) => {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') parts.set(name, value);
  }
  const text = parts.toString();
  return call('GET', path + (text ? '?' + text : ''));
};

export const post = (path, body = {}) => call('POST', path, body);

export const outbox = (name) => '/outboxes/' + encodeURIComponent(name);

export const newChangeId = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
};

export async function refreshSession() {
  Object.assign(session, await get('/session'));
  return session;
}

export async function login(name, password) {
  Object.assign(session, await post('/login', { name, password }));
}

export async function logout() {
  await post('/logout');
  Object.assign(session, { name: null, role: null, csrf: null });
}

export const may = (role) => {
  const roles = ['viewer', 'reader', 'operator'];
  return roles.indexOf(session.role) >= roles.indexOf(role);
};
