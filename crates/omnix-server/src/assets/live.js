// Shows the last insights, then those that come, over server-sent events with a ticket.
const SHOWN_MAX = 200;
const KEY = "omnix-token";
const $ = (id) => document.getElementById(id);
let source = null;
let timer = null;
const shown = new Map();

function call(path, method = "GET") {
  const token = sessionStorage.getItem(KEY);
  return fetch(path, { method, headers: { Authorization: `Bearer ${token}`, Accept: "application/json" } });
}

async function read(path, method) {
  const answer = await call(path, method);
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.detail ?? answer.statusText), { status: answer.status });
  return body;
}

function row(insight) {
  const item = document.createElement("li");
  item.className = insight.priority;
  const meta = document.createElement("div");
  meta.className = "meta";
  const tag = document.createElement("span");
  tag.className = "tag";
  tag.textContent = insight.priority + (insight.actionRequired ? " · act" : "");
  const kind = document.createElement("span");
  kind.textContent = insight.insightType.replaceAll("_", " ");
  const customer = document.createElement("span");
  customer.textContent = insight.customerId;
  const time = document.createElement("time");
  time.dateTime = insight.timestamp;
  time.textContent = new Date(insight.timestamp).toLocaleString();
  meta.append(tag, kind, customer, time);
  const text = document.createElement("p");
  text.textContent = insight.insight;
  item.append(meta, text);
  return item;
}

function show(insight) {
  const item = row(insight);
  const known = shown.get(insight.id);
  if (known) known.replaceWith(item);
  else $("insights").prepend(item);
  shown.set(insight.id, item);
  while (shown.size > SHOWN_MAX) {
    const [id, oldest] = shown.entries().next().value;
    oldest.remove();
    shown.delete(id);
  }
  $("none").hidden = true;
}

async function figures() {
  try {
    const overview = await read("/v1/streaming/insights/system/overview?hours=24");
    $("total").textContent = overview.totalInsights.toLocaleString();
    $("critical").textContent = overview.insightsByPriority.critical.toLocaleString();
    $("rate").textContent = overview.processingMetrics.eventsPerSecond.toFixed(1);
    $("latency").textContent = overview.processingMetrics.p99LatencyMs.toFixed(1);
  } catch (error) {
    if (error.status === 401) leave(error.message);
  }
}

async function connect() {
  let ticket;
  try {
    ({ ticket } = await read("/v1/streaming/feed/ticket", "POST"));
  } catch (error) {
    if (error.status) return leave(error.message);
    $("state").textContent = "no connection, trying again";
    timer = setTimeout(connect, 2000);
    return;
  }
  source = new EventSource(`/v1/streaming/feed?ticket=${encodeURIComponent(ticket)}`);
  source.addEventListener("connected", () => { $("state").textContent = "live"; });
  source.addEventListener("insight", (event) => {
    show(JSON.parse(event.data).payload);
    clearTimeout(figures.timer);
    figures.timer = setTimeout(figures, 500);
  });
  source.addEventListener("error", () => {
    // A ticket is good once: a new connection needs a new one, and what came between is read from the list.
    source.close();
    source = null;
    $("state").textContent = "connecting again";
    timer = setTimeout(enter, 2000);
  });
}

async function enter() {
  clearTimeout(timer);
  try {
    const list = await read("/v1/streaming/insights?hours=24&limit=100");
    $("fault").textContent = "";
    $("door").hidden = true;
    $("live").hidden = false;
    list.insights.reverse().forEach(show);
    await figures();
    await connect();
  } catch (error) {
    if (error.status) return leave(error.message);
    $("state").textContent = "no connection, trying again";
    timer = setTimeout(enter, 2000);
  }
}

function leave(reason) {
  clearTimeout(timer);
  source?.close();
  source = null;
  sessionStorage.removeItem(KEY);
  shown.clear();
  $("insights").replaceChildren();
  $("none").hidden = false;
  $("door").hidden = false;
  $("live").hidden = true;
  $("state").textContent = "not connected";
  $("fault").textContent = reason ?? "";
}

function submit() {
  const token = $("token").value.trim();
  $("token").value = "";
  if (!token) return;
  sessionStorage.setItem(KEY, token);
  enter();
}

$("enter").addEventListener("click", submit);
$("token").addEventListener("keydown", (event) => { if (event.key === "Enter") submit(); });
$("leave").addEventListener("click", () => leave());
setInterval(() => { if (source) figures(); }, 5000);
if (sessionStorage.getItem(KEY)) enter();
