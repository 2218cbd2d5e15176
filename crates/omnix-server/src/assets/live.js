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
  item.dataset.id = insight.id;
  item.dataset.time = insight.timestamp;
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
  if (known) {
    known.replaceWith(item);
  } else {
    // What was read from the list may be older than what came live meanwhile.
    const older = [...$("insights").children].find((other) => other.dataset.time <= insight.timestamp);
    $("insights").insertBefore(item, older ?? null);
  }
  shown.set(insight.id, item);
  while ($("insights").children.length > SHOWN_MAX) {
    const oldest = $("insights").lastElementChild;
    shown.delete(oldest.dataset.id);
    oldest.remove();
  }
  $("none").hidden = true;
}

async function figures() {
  try {
    const overview = await read("/v1/streaming/insights/system/overview?hours=24");
    $("total").textContent = overview.totalInsights.toLocaleString();
    $("critical").textContent = overview.insightsByPriority.critical.toLocaleString();
    const flow = await read("/v1/streaming/stream/metrics?minutes=5");
    $("flow").textContent = flow.outgoingRecords.toLocaleString();
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
    if (error.status === 401 || error.status === 403) return leave(error.message);
    $("state").textContent = error.status ? error.message : "no connection, trying again";
    timer = setTimeout(connect, 2000);
    return;
  }
  source = new EventSource(`/v1/streaming/feed?ticket=${encodeURIComponent(ticket)}`);
  source.addEventListener("connected", () => {
    $("state").textContent = "live";
    history().catch((error) => { $("state").textContent = error.message; });
  });
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
    timer = setTimeout(connect, 2000);
  });
}

// Read once the feed is open: nothing falls between the list and what comes.
async function history() {
  const list = await read("/v1/streaming/insights?hours=24&limit=100");
  list.insights.reverse().forEach(show);
}

function enter() {
  clearTimeout(timer);
  $("fault").textContent = "";
  $("door").hidden = true;
  $("live").hidden = false;
  figures();
  connect();
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
