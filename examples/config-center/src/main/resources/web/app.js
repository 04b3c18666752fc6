"use strict";

const byId = (id) => document.getElementById(id);
let configs = [];
let shownHistory = new Set();
let lastCount = null;
let lastWritten = null;
let last = null;

// --- Talking to the server -------------------------------------------------------------------------------------------

async function call(method, path, body) {
  const response = await fetch("api/" + path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error((answer && (answer.error || answer.title)) || "The server responded with " + response.status);
  return answer;
}

function say(text, bad) {
  byId("hint").textContent = text;
  byId("hint").classList.toggle("bad", Boolean(bad));
}

/** Runs one change, shows its result, and refreshes the configurations. */
async function change(what, work) {
  const start = performance.now();
  try {
    const answer = await work();
    const millis = Math.round(performance.now() - start);
    say(typeof answer === "string" ? answer : `${what} in ${millis} ms.` + aside(), false);
  } catch (error) {
    say(error.message, true);
  }
  await showConfigs();
}

function aside() {
  if (last && !last.history_running) return " The history is stopped, but the change was not affected.";
  if (last && !last.broker_running) return " The broker is stopped, but the change was not affected.";
  return "";
}

// --- Configurations --------------------------------------------------------------------------------------------------

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text;
  td.title = text;
  if (className) td.className = className;
  return td;
}

function action(cell, label, work) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", work);
  cell.append(button, " ");
}

async function showConfigs() {
  try {
    configs = await call("GET", "configs");
  } catch (error) {
    say(error.message, true);
    return;
  }
  const body = document.createElement("tbody");
  body.id = "configs";
  for (const config of configs) {
    const row = body.insertRow();
    cell(row, `${config.module_name}/${config.lang}/${config.config_key}`);
    cell(row, config.version === 0 ? "–" : String(config.version));
    cell(row, config.config_value, "value");
    cell(row, config.draft_value === null ? "" : config.draft_value, "value");
    const actions = cell(row, "", "actions");
    action(actions, "Edit", () => edit(config));
    if (config.draft_value !== null) {
      action(actions, "Release", () => change("Released", () => call("POST", `configs/${config.id}/release`, wanted(config))));
    }
  }
  byId("configs").replaceWith(body);
}

function wanted(config, value) {
  return { id: config.id, version: config.version, user: byId("user").value, config_value: value ?? null };
}

function edit(config) {
  const editor = byId("editor");
  byId("editor-title").textContent =
    config ? `${config.module_name}/${config.lang}/${config.config_key}` : "New configuration";
  byId("naming").hidden = Boolean(config);
  byId("save-update").hidden = !config || config.version === 0;
  byId("value").value = config ? config.draft_value ?? config.config_value : "{}";
  editor.returnValue = "cancel";
  editor.onclose = () => {
    const value = byId("value").value;
    if (editor.returnValue === "update") {
      change("Changed", () => call("PUT", `configs/${config.id}`, wanted(config, value)));
    } else if (editor.returnValue === "draft" && config) {
      change("Saved", () => call("PUT", `configs/${config.id}/draft`, wanted(config, value)));
    } else if (editor.returnValue === "draft") {
      change("Created", () => call("POST", "configs", {
        module_name: byId("module").value, lang: byId("lang").value, config_key: byId("key").value, desc: "",
        config_type: 1, config_value: value, config_schema: "{}", user: byId("user").value, related_users: "",
      }));
    }
  };
  editor.showModal();
}

function updateAll() {
  const changes = configs.filter((config) => config.version > 0)
    .map((config) => wanted(config, JSON.stringify({ changed: new Date().toISOString() })));
  change("", async () => {
    const start = performance.now();
    const results = await call("POST", "configs/batch", changes);
    const failed = results.filter((result) => result.error !== null);
    const done = `${results.length - failed.length} of ${results.length} changed in ${Math.round(performance.now() - start)} ms.`;
    return failed.length === 0 ? done + aside() : `${done} ${failed[0].error}`;
  });
}

// --- State and history -----------------------------------------------------------------------------------------------

function showSwitch(name, running, noun) {
  byId(`${name}-state`).textContent = running ? "running" : "stopped";
  byId(`${name}-state`).className = running ? "running" : "stopped";
  byId(`${name}-switch`).textContent = (running ? "Stop" : "Start") + " the " + noun;
  byId(`${name}-switch`).setAttribute("aria-pressed", String(!running));
}

async function showState(state) {
  last = state;
  byId("pending").textContent = state.outbox.PENDING;
  byId("published").textContent = state.outbox.PUBLISHED + state.outbox.CONSUMED;
  byId("dead").textContent = state.outbox.DEAD;
  byId("history-count").textContent = state.history;
  showSwitch("history", state.history_running, "history");
  showSwitch("broker", state.broker_running, "broker");
  const written = Object.values(state.outbox).reduce((sum, each) => sum + each, 0);
  if (state.history !== lastCount) {
    lastCount = state.history;
    await showHistory();
  }
  if (lastWritten !== null && written !== lastWritten && !byId("editor").open) await showConfigs();
  lastWritten = written;
}

async function showHistory() {
  const entries = await call("GET", "history");
  const body = document.createElement("tbody");
  body.id = "history";
  const first = shownHistory.size === 0;
  for (const entry of entries) {
    const row = body.insertRow();
    if (!first && !shownHistory.has(entry.event_id)) row.className = "fresh";
    cell(row, `${entry.module_name}/${entry.lang}/${entry.config_key}`);
    cell(row, String(entry.version));
    cell(row, entry.config_value, "value");
    cell(row, entry.edit_user);
    cell(row, new Date(entry.recorded_at).toLocaleTimeString());
  }
  shownHistory = new Set(entries.map((entry) => entry.event_id));
  byId("history").replaceWith(body);
}

function flip(name) {
  const running = name === "history" ? last.history_running : last.broker_running;
  change("", async () => {
    await showState(await call("PUT", `switches/${name}`, { on: !running }));
    return running
      ? `The ${name} is stopped. Change something: it still works.`
      : `The ${name} is back. What was waiting now arrives.`;
  });
}

byId("new").addEventListener("click", () => edit(null));
byId("all").addEventListener("click", updateAll);
byId("history-switch").addEventListener("click", () => flip("history"));
byId("broker-switch").addEventListener("click", () => flip("broker"));

const live = new EventSource("api/live");
live.addEventListener("open", () => { byId("connection").textContent = "Live"; });
live.addEventListener("error", () => { byId("connection").textContent = "The server does not answer; trying again…"; });
live.addEventListener("state", (event) => showState(JSON.parse(event.data)).catch((error) => say(error.message, true)));
live.addEventListener("problem", (event) => say(JSON.parse(event.data).error, true));
showConfigs();
