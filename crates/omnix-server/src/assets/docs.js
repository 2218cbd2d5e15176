// Shows openapi.json: by tag, each operation with its parameters, bodies, answers and roles.
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function table(heads, rows) {
  const made = element("table");
  const head = element("tr");
  heads.forEach((text) => head.append(element("th", text)));
  made.append(head);
  rows.forEach((cells) => {
    const line = element("tr");
    cells.forEach((text) => line.append(element("td", text)));
    made.append(line);
  });
  return made;
}

function resolve(document_, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? document_.components.schemas[name] : schema;
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items)}`;
  return [schema.type].flat().join(" or ") + (schema.format ? ` (${schema.format})` : "");
}

function fields(document_, schema) {
  const named = resolve(document_, schema?.type === "array" ? schema.items : schema);
  const properties = Object.entries(named?.properties ?? {});
  if (properties.length === 0) return element("p", typeOf(schema), "quiet");
  const needed = new Set(named.required ?? []);
  const rows = properties.map(([name, field]) =>
    [name, typeOf(field), needed.has(name) ? "yes" : "", field.description ?? ""]);
  return table(["field", "type", "required", ""], rows);
}

function operation(document_, path, method, described) {
  const made = element("details");
  const summary = element("summary");
  summary.append(element("span", method.toUpperCase(), "method"), element("code", path),
    element("span", ` ${described.summary ?? ""}`, "quiet"));
  const body = element("div");
  const roles = described["x-roles"];
  body.append(element("p", roles?.length ? `Roles: ${roles.join(", ")} (${described["x-permission"]})` : "No token", "quiet"));
  if (described.parameters?.length) {
    body.append(element("h3", "Parameters"), table(["name", "in", "type", ""],
      described.parameters.map((p) => [p.name, p.in, typeOf(p.schema), p.description ?? ""])));
  }
  for (const [type, content] of Object.entries(described.requestBody?.content ?? {})) {
    body.append(element("h3", `Body: ${type}, ${typeOf(content.schema)}`), fields(document_, content.schema));
  }
  for (const [status, answer] of Object.entries(described.responses ?? {})) {
    body.append(element("h3", `${status}: ${answer.description}`));
    for (const [type, content] of Object.entries(answer.content ?? {})) {
      if (type !== "application/problem+json") body.append(fields(document_, content.schema));
    }
  }
  made.append(summary, body);
  return made;
}

const content = document.getElementById("content");
const document_ = await (await fetch("/openapi.json")).json();
content.append(element("p", document_.info.description), element("p", `Version ${document_.info.version}`, "quiet"));
const tags = new Map();
for (const [path, methods] of Object.entries(document_.paths)) {
  for (const [method, described] of Object.entries(methods)) {
    const tag = described.tags?.[0] ?? "";
    if (!tags.has(tag)) tags.set(tag, []);
    tags.get(tag).push(operation(document_, path, method, described));
  }
}
for (const [tag, operations] of tags) content.append(element("h2", tag), ...operations);
