"use strict";
(() => {
  const pageSize = 50;
  const {dashboard, byLogin, total, groups, columns, carried} = JSON.parse(document.getElementById("data").textContent);
  const rows = JSON.parse(document.getElementById("cells").textContent);

  function words(text) { return text.replaceAll("_", " "); }
  function grouped(n) { return n.toLocaleString("en-US"); }

  function element(name, className, ...children) {
    const e = document.createElement(name);
    if (className) e.className = className;
    e.append(...children);
    return e;
  }

  // A column's heading sorts by it: first downwards for numbers and times, else upwards,
  // and the other way round when it is pressed again.
  function sorting(heading, down, sort) {
    const button = element("button", "", ...heading.childNodes);
    button.type = "button";
    heading.append(button);
    button.addEventListener("click", () => {
      const descending = heading.ariaSort ? heading.ariaSort === "ascending" : down;
      for (const other of heading.parentNode.cells) other.ariaSort = null;
      heading.ariaSort = descending ? "descending" : "ascending";
      sort(descending ? -1 : 1);
    });
  }

  // What is empty comes last, whichever way the column is sorted.
  function compare(a, b, direction) {
    const empty = (a === "") - (b === "");
    if (empty || a === b) return empty;
    return a < b ? -direction : direction;
  }

  // The tables that are in the page as a whole are sorted in place.
  for (const table of document.querySelectorAll("table.sortable")) {
    for (const heading of table.tHead.rows[0].cells) {
      const number = heading.className === "number";
      const value = (row) => {
        const text = row.cells[heading.cellIndex].textContent;
        return number ? Number(text.replaceAll(",", "").match(/[0-9.]+/)?.[0] ?? -1) : text === "none" ? "0" : text;
      };
      sorting(heading, number || heading.textContent === "Last login", (direction) => {
        const sorted = [...table.tBodies[0].rows].sort((a, b) => compare(value(a), value(b), direction));
        table.tBodies[0].append(...sorted);
      });
    }
  }

  // How long ago something was, while the page is read.
  for (const age of document.querySelectorAll("[data-since]")) {
    const minutes = Math.floor((Date.now() - age.dataset.since) / 60000);
    if (minutes < 0) continue; // one of the clocks is wrong
    const [n, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 48 * 60 ? [Math.floor(minutes / 60), "hour"] : [Math.floor(minutes / 1440), "day"];
    age.textContent = minutes ? `(${grouped(n)} ${unit}${n === 1 ? "" : "s"} ago)` : "(less than a minute ago)";
  }

  for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
  for (const hint of document.querySelectorAll(".more")) {
    const down = hint.classList.contains("downwards");
    const scroll = down ? hint.previousElementSibling : hint.nextElementSibling;
    const watch = new ResizeObserver(() => {
      hint.hidden = down ? scroll.scrollHeight <= scroll.clientHeight + 1 : scroll.scrollWidth <= scroll.clientWidth + 1;
    });
    watch.observe(scroll);
    watch.observe(scroll.querySelector("table"));
  }

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
  // The text that the search looks at, prepared once. It has no times.
  for (const row of all) {
    row.text = [row.line, row.org, row.orgName, row.connection, row.name, words(row.outcome), row.message, row.httpStatus || "",
      row.errorCode, row.request, row.correlation, ...row.cells].join("\n").toLowerCase();
  }

  let found = all;
  let start = 0;
  let order = null; // compares rows; null: the list's order

  function organization(id) {
    const code = element("code", "", id);
    if (!dashboard || !/^org_[0-9A-Za-z]+$/.test(id)) return code;
    const link = element("a", "", code);
    link.href = dashboard + id + "/overview";
    link.rel = "noreferrer";
    return link;
  }

  function shaped(name) {
    const [className, symbol] = groups[name];
    const shape = element("span", "shape", symbol);
    shape.ariaHidden = "true";
    return element("span", "outcome " + className, shape, " ", words(name));
  }

  function time(ms) { return ms ? new Date(ms).toISOString().slice(0, 19).replace("T", " ") : ""; }

  function small(text) { return text ? [element("small", "", element("bdi", "", text))] : []; }

  // The columns of the table: title, class, the value to sort by, and what a cell
  // contains, if that is not the value. Times are not searched. A column without a value
  // is left out.
  const login = ["Last login", "time", (row) => row.login === "none" ? "0" : row.login, (row) => [row.login]];
  const shown = [
    ["Line", "number", (row) => row.line],
    ["Outcome", "", (row) => words(row.outcome), (row) => [shaped(row.outcome)]],
    ["Organization", "", (row) => row.org || row.orgName, (row) => [organization(row.org), ...small(row.orgName)]],
    ["Connection", "", (row) => row.connection, (row) => [element("code", "", row.connection), ...small(row.name)]],
    login,
    ["Message", "message", (row) => row.message || row.errorCode, (row) => [row.message, ...small(row.message.includes(row.errorCode) ? "" : row.errorCode)]],
    ...carried.map((name, i) => [name, "", (row) => row.cells[i], (row) => [element("bdi", "", row.cells[i])]]),
    ["Status", "number", (row) => row.httpStatus || ""],
    ["Attempts", "call number time", (row) => row.attempts || ""],
    ["Finished (UTC)", "time", (row) => row.finished || "", (row) => [time(row.finished)]],
    ["Call (ms)", "call number time", (row) => row.attempts ? row.duration : ""],
    ["Request id", "call", (row) => row.request, (row) => [element("code", "", row.request)]],
    ["Correlation id", "call", (row) => row.correlation, (row) => [element("code", "", row.correlation)]],
  ].filter(([,, value]) => all.some((row) => value(row) !== ""));

  function by(value, direction) { return (a, b) => compare(value(a), value(b), direction) || a.line - b.line; }

  // mark marks a phrase within the texts of a cell.
  function mark(cell, phrase) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
      const lower = text.data.toLowerCase();
      const at = lower.indexOf(phrase);
      if (at < 0 || lower.length !== text.length) continue; // as with a Turkish İ, places differ
      const hit = text.splitText(at);
      walker.currentNode = hit.splitText(phrase.length);
      hit.replaceWith(element("mark", "", hit.data));
      walker.previousNode(); // the rest may have it again
    }
  }

  function heading(scope, className, ...children) {
    const cell = element("th", className, ...children);
    cell.scope = scope;
    return cell;
  }

  function tableRow(row, phrase) {
    return element("tr", "", ...shown.map(([, className, value, content], i) => {
      const children = content ? content(row) : [value(row)];
      const cell = i === 0 ? heading("row", className, ...children) : element("td", className, ...children);
      if (phrase && !className.includes("time")) mark(cell, phrase);
      return cell;
    }));
  }

  function phrase() { return search.value.trim().toLowerCase(); }

  function draw() {
    const end = Math.min(start + pageSize, found.length);
    const wanted = phrase();
    body.replaceChildren(...found.slice(start, end).map((row) => tableRow(row, wanted)));
    const rows = found.length < all.length ? "Matching rows" : "Rows";
    let text = found.length ? `${rows} ${grouped(start + 1)} to ${grouped(end)} of ${grouped(found.length)}` : "No matching rows";
    if (all.length < total) text += `; this page shows ${grouped(all.length)} of the list’s ${grouped(total)} rows`;
    status.textContent = text;
    previous.disabled = start === 0;
    next.disabled = end >= found.length;
  }

  function filter() {
    const wanted = phrase();
    const selected = outcome.value; // "" is all, "!" is all that need attention
    found = all.filter((row) => (selected === "" || row.outcome === selected || selected === "!" && row.attention) &&
      row.text.includes(wanted));
    if (order) found.sort(order);
    start = 0;
    draw();
  }

  function turnPage(by) {
    start = Math.max(0, Math.min(start + by, found.length - 1));
    draw();
    table.scrollIntoView({block: "start"});
  }

  const headings = shown.map(([title, className]) => heading("col", className, element("bdi", "", title)));
  table.tHead.append(element("tr", "", ...headings));
  shown.forEach(([, className, value], i) => sorting(headings[i], /number|time/.test(className) && i > 0, (direction) => {
    order = by(value, direction);
    filter();
  }));
  if (byLogin && shown.includes(login)) {
    order = by(login[2], -1);
    headings[shown.indexOf(login)].ariaSort = "descending";
  }
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
