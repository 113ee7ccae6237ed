"use strict";
(() => {
  const pageSize = 50;
  const {dashboard, total, groups, columns, carried, rows} = JSON.parse(document.getElementById("data").textContent);
  for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const search = document.getElementById("search");
  const outcome = document.getElementById("outcome");
  const status = document.getElementById("status");
  const previous = document.getElementById("previous");
  const next = document.getElementById("next");

  // A row is an array of the columns' cells, then the carried-through ones.
  const all = rows.map((cells) => ({
    ...Object.fromEntries(columns.map((name, i) => [name, cells[i]])),
    cells: cells.slice(columns.length),
  }));
  // The text that the search looks at, prepared once.
  for (const row of all) {
    row.text = [row.line, row.org, row.connection, row.name, words(row.outcome), row.message, row.httpStatus || "",
      row.errorCode, row.request, ...row.cells].join("\n").toLowerCase();
  }

  let found = all;
  let start = 0;

  function words(text) { return text.replaceAll("_", " "); }
  function grouped(n) { return n.toLocaleString("en-US"); }

  function element(name, className, ...children) {
    const e = document.createElement(name);
    if (className) e.className = className;
    e.append(...children);
    return e;
  }

  function organization(id) {
    const code = element("code", "", id);
    if (!dashboard || !/^org_[0-9A-Za-z]+$/.test(id)) return code;
    const link = element("a", "", code);
    link.href = dashboard + id + "/overview";
    link.rel = "noreferrer";
    return link;
  }

  function marked(name) {
    const [className, symbol] = groups[name];
    const shape = element("span", "shape", symbol);
    shape.ariaHidden = "true";
    return element("span", "outcome " + className, shape, " " + words(name));
  }

  function time(ms) { return ms ? new Date(ms).toISOString().slice(0, 19).replace("T", " ") : ""; }

  function small(text) { return text ? [element("small", "", element("bdi", "", text))] : []; }

  // The columns of the table: title, class, and what a row's cell contains.
  const shown = [
    ["Line", "number", (row) => [row.line]],
    ["Outcome", "", (row) => [marked(row.outcome)]],
    ["Organization", "", (row) => [organization(row.org)]],
    ["Connection", "", (row) => [element("code", "", row.connection), ...small(row.name)]],
    ["Message", "message", (row) => [row.message, ...small(row.errorCode)]],
    ...carried.map((name, i) => [name, "", (row) => [element("bdi", "", row.cells[i])]]),
    ["Status", "number", (row) => [row.httpStatus || ""]],
    ["Attempts", "number", (row) => [row.attempts || ""]],
    ["Finished (UTC)", "", (row) => [time(row.finished)]],
    ["Call (ms)", "number", (row) => [row.attempts ? row.duration : ""]],
    ["Request id", "", (row) => [element("code", "", row.request)]],
  ];

  function heading(scope, className, ...children) {
    const cell = element("th", className, ...children);
    cell.scope = scope;
    return cell;
  }

  function tableRow(row) {
    return element("tr", "", ...shown.map(([, className, content], i) =>
      i === 0 ? heading("row", className, ...content(row)) : element("td", className, ...content(row))));
  }

  function draw() {
    const end = Math.min(start + pageSize, found.length);
    body.replaceChildren(...found.slice(start, end).map(tableRow));
    const rows = found.length < all.length ? "Matching rows" : "Rows";
    let text = found.length ? `${rows} ${grouped(start + 1)} to ${grouped(end)} of ${grouped(found.length)}` : "No matching rows";
    if (all.length < total) text += `; this page shows ${grouped(all.length)} of the list’s ${grouped(total)} rows`;
    status.textContent = text;
    previous.disabled = start === 0;
    next.disabled = end >= found.length;
  }

  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const selected = outcome.value; // "" is all, "!" is all that need attention
    found = all.filter((row) => (selected === "" || row.outcome === selected || selected === "!" && row.attention) &&
      wanted.every((word) => row.text.includes(word)));
    start = 0;
    draw();
  }

  function turnPage(by) {
    start = Math.max(0, Math.min(start + by, found.length - 1));
    draw();
    table.scrollIntoView({block: "start"});
  }

  table.tHead.append(element("tr", "", ...shown.map(([title, className]) => heading("col", className, element("bdi", "", title)))));
  search.addEventListener("input", filter);
  outcome.addEventListener("change", filter);
  search.form.addEventListener("reset", () => setTimeout(filter)); // once the form is reset
  search.form.addEventListener("submit", (event) => event.preventDefault());
  previous.addEventListener("click", () => turnPage(-pageSize));
  next.addEventListener("click", () => turnPage(pageSize));
  for (const button of document.querySelectorAll("button[data-outcome]")) {
    button.addEventListener("click", () => {
      search.value = "";
      outcome.value = button.dataset.outcome;
      filter();
      document.getElementById("rows").scrollIntoView();
      outcome.focus();
    });
  }
  filter();
})();
