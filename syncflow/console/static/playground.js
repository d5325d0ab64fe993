// The playground: four editors, and what the compiler says of them. All that is shown is set as text, never as markup.
"use strict";
(() => {
  const root = document.getElementById("playground");
  const check = root.dataset.check || "";
  const chooser = document.getElementById("mapping"), state = document.getElementById("state");
  const result = document.getElementById("result"), undo = document.getElementById("undo");
  const NAMES = ["mapping", "schema", "object", "event"];
  const editors = Object.fromEntries(NAMES.map((name) => [name, editor(name)]));
  let project = { files: {}, mappings: {} }, texts = {}, waiting = null, running = false, again = false, number = 0;

  function editor(name) {
    const part = root.querySelector(`[data-editor=${name}]`);
    const area = part.querySelector("textarea"), lines = part.querySelector(".lines");
    const found = { name, part, area, lines, file: "", marks: new Map() };
    area.addEventListener("input", () => { draw(found); changed(found); });
    area.addEventListener("scroll", () => { lines.scrollTop = area.scrollTop; });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") found.free = true; // Tab leaves the editor after Escape, as it must without a mouse
      else if (event.key === "Tab" && !event.shiftKey && !found.free) { event.preventDefault(); area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end"); area.dispatchEvent(new Event("input")); }
      else if (event.key !== "Tab") found.free = false;
    });
    return found;
  }

  function draw(one) {
    const count = one.area.value.split("\n").length;
    one.lines.replaceChildren(...Array.from({ length: count }, (_, at) => {
      const mark = one.marks.get(at + 1);
      return make("span", mark ? `line ${mark}` : "line", String(at + 1));
    }));
    one.lines.scrollTop = one.area.scrollTop;
  }

  function changed(one) {
    if (one.file) {
      if (one.area.value === project.files[one.file]) delete texts[one.file]; else texts[one.file] = one.area.value;
    }
    undo.disabled = !Object.keys(texts).length;
    clearTimeout(waiting);
    waiting = setTimeout(attempt, 350);
  }

  function open(one, file, text) {
    one.file = file;
    one.part.querySelector(".name").textContent = file;
    one.part.classList.toggle("absent", one.name !== "event" && !file);
    one.area.value = text;
    one.marks.clear();
    draw(one);
  }

  function choose() {
    const about = project.mappings[chooser.value] || {};
    const of = (file) => file ? texts[file] ?? project.files[file] ?? "" : "";
    open(editors.mapping, chooser.value, of(chooser.value));
    open(editors.schema, about.schema || "", of(about.schema));
    open(editors.object, about.object || "", of(about.object));
  }

  async function call(path, body) {
    const headers = { Accept: "application/json", "X-Console-Check": check };
    const answer = await fetch(path, body ? { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) } : { headers });
    const found = answer.headers.get("content-type")?.startsWith("application/json") ? await answer.json() : { error: await answer.text() };
    if (!answer.ok) throw new Error(found.hint ? `${found.error} (${found.hint})` : found.error);
    return found;
  }

  async function attempt() {
    if (running) { again = true; return; }
    running = true; again = false;
    const mine = ++number;
    tell("trying …");
    try {
      const found = await call("/api/playground", { texts, event: editors.event.area.value });
      if (mine === number) show(found);
    } catch (error) {
      tell("not tried", "bad");
      result.replaceChildren(make("p", "note bad", error.message));
    } finally {
      running = false;
      if (again) attempt();
    }
  }

  function tell(words, kind = "") { state.textContent = words; state.className = `pill ${kind}`; }

  function make(tag, kind, ...children) {
    const found = document.createElement(tag);
    if (kind) found.className = kind;
    found.append(...children.filter((each) => each !== null && each !== ""));
    return found;
  }

  function show(found) {
    const errors = found.diagnostics.filter((each) => each.severity === "error").length;
    const dead = (found.dead_letters || []).length;
    if (errors) tell(`${errors} ${errors === 1 ? "error" : "errors"}`, "bad");
    else if (dead || found.requests.some((each) => each.fault)) tell("a dead letter", "bad");
    else tell(found.becomes === "routed" ? `${found.requests.length} ${found.requests.length === 1 ? "request" : "requests"}` : found.becomes || "nothing", found.diagnostics.length ? "warn" : "good");
    for (const one of Object.values(editors)) {
      one.marks = new Map(found.diagnostics.filter((each) => one.file && each.file === one.file).map((each) => [each.line, each.severity]));
      draw(one);
    }
    result.replaceChildren(...[
      diagnostics(found.diagnostics),
      ...(found.misfits || []).map((each) => make("p", "note bad", make("strong", "", `item.${each.path}`), ` ${each.message} (${each.code})`)),
      ...(found.dead_letters || []).map((each) => make("p", "note bad", make("strong", "", "Dead letter"), ` ${each.stage}: ${each.reason} (${each.code})`)),
      found.note ? make("p", "note", found.note) : null,
      ...found.deliveries.map(delivery), ...found.requests.map(request),
    ].filter(Boolean));
  }

  function diagnostics(found) {
    if (!found.length) return null;
    return make("section", "card", make("h2", "", "What the compiler says"), make("ul", "plain-list", ...found.slice(0, 100).map((each) => {
      const place = make("button", "quiet", `${each.file}:${each.line}:${each.column}`);
      place.type = "button";
      place.addEventListener("click", () => go(each));
      const hint = [each.expected ? `expected ${each.expected}` : "", each.suggestion ? `did you mean ${each.suggestion}?` : "", each.hint || ""].filter(Boolean).join("; ");
      return make("li", "", make("span", `tag ${each.severity === "error" ? "bad" : "warn"}`, each.code), place, make("span", "", each.message), hint ? make("span", "faint", hint) : "");
    })));
  }

  function go(each) {
    let one = Object.values(editors).find((other) => other.file === each.file);
    const owner = Object.keys(project.mappings).find((name) => name === each.file);
    if (!one && owner) { chooser.value = owner; choose(); one = editors.mapping; }
    if (!one) return;
    const before = one.area.value.split("\n").slice(0, each.line - 1).join("\n").length + (each.line > 1 ? 1 : 0);
    one.area.focus();
    one.area.setSelectionRange(before + each.column - 1, before + Math.max(each.column, each.end_line === each.line ? each.end_column : each.column) - 1);
    one.area.scrollTop = Math.max(0, (each.line - 4) * 20);
  }

  function delivery(each) {
    const copy = make("button", "quiet", "Copy as a test");
    copy.type = "button";
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(`${each.test}\n`).catch(() => {});
      copy.textContent = "Copied: paste it below tests: of the mapping";
    });
    const rows = each.fields.map((one) => make("tr", "", make("td", "nowrap", make("strong", "", one.name)), make("td", "wide value-cell", make("code", "", one.value || "(nothing)"), one.how === "expression" ? "" : make("span", "faint", ` ${one.how}`)),
      make("td", "wide", make("code", "", one.from), ...one.read.filter((text) => !text.startsWith(`${one.from} = `)).map((text) => make("div", "faint", text)), ...one.unreadable.map((text) => make("div", "faint", `unreadable: ${text}`)), one.error ? make("div", "wrong", one.error) : "")));
    const table = make("table", "", make("thead", "", make("tr", "", make("th", "", "Field"), make("th", "", "Value"), make("th", "", "Where it comes from"))), make("tbody", "", ...rows));
    const scroll = make("div", "scroll", table);
    scroll.tabIndex = 0; scroll.setAttribute("role", "region"); scroll.setAttribute("aria-label", `Fields for ${each.system}`);
    return make("section", "", make("div", "row", make("h2", "", `${each.route}: ${each.operation} in ${each.system}`), each.failure ? make("span", "wrong", each.failure) : copy), each.fields.length ? scroll : "");
  }

  function request(each, at) {
    if (each.fault) return make("p", "note bad", make("strong", "", each.system), ` ${each.fault}`);
    let body = each.body;
    try { body = JSON.stringify(JSON.parse(body), null, 2); } catch { /* shown as it is */ }
    const shown = make("pre", "", [`${each.method} ${each.url}`, ...Object.entries(each.headers).map(([name, value]) => `${name}: ${value}`), "", body].join("\n"));
    shown.tabIndex = 0;
    return make("section", "card", make("h2", "", `Request ${at + 1}, to ${each.system}`), shown);
  }

  async function sample(source) {
    tell("looking for an event …");
    try {
      const kind = (project.mappings[chooser.value] || {}).kind || "";
      const found = await call(`/api/playground/sample?source=${source}&kind=${encodeURIComponent(kind)}`);
      open(editors.event, "", found.event);
      await attempt();
    } catch (error) {
      tell("no event", "bad");
      result.replaceChildren(make("p", "note bad", error.message));
    }
  }

  async function begin() {
    try {
      project = await call("/api/playground");
      chooser.replaceChildren(...Object.keys(project.mappings).map((name) => new Option(name, name)));
      choose();
      await sample("made_up");
    } catch (error) {
      tell("not read", "bad");
      result.replaceChildren(make("p", "note bad", error.message));
    }
  }

  chooser.addEventListener("change", () => { choose(); attempt(); });
  undo.addEventListener("click", () => { texts = {}; undo.disabled = true; choose(); attempt(); });
  for (const button of root.querySelectorAll("[data-sample]")) button.addEventListener("click", () => sample(button.dataset.sample));
  begin();
})();
