"use strict";
// What a page does beyond being read: without this script tables do not sort or filter, and figures have no SVG link.
const made = (tag, words, properties = {}) => Object.assign(document.createElement(tag), { textContent: words }, properties);
const button = (words, label, act) => {
  const one = made("button", words, { type: "button" });
  one.setAttribute("aria-label", label);
  one.addEventListener("click", act);
  return one;
};
const save = (text, type, name) => {
  const address = URL.createObjectURL(new Blob([text], { type }));
  made("a", "", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
};
const valueOf = cell => cell.dataset.v ?? cell.textContent.trim();

function sortable(heads, body) {
  heads.forEach((head, column) => {
    const press = made("button", "", { type: "button" });
    press.append(...head.childNodes);
    head.append(press);
    press.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const numeric = head.matches(".n, [data-sort=number]"), key = row => valueOf(row.cells[column]);
      const number = row => key(row) === "" ? NaN : Number(key(row));
      const order = (a, b) => {
        if (!numeric) return key(a).localeCompare(key(b)) * sign;
        const x = number(a), y = number(b);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return (x - y) * sign;
      };
      body.append(...[...body.rows].sort(order));
    });
  });
}

function filterable(tools, rows, caption) {
  const field = made("input", "", { type: "search", placeholder: "filter rows" });
  field.setAttribute("aria-label", `Filter the rows of: ${caption}`);
  const count = made("span", "", { className: "quiet" });
  count.setAttribute("role", "status");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
  });
  tools.append(field, count);
}

// A cell that a spreadsheet would run is quoted as text.
const risky = text => /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text));
const cellOf = text => `"${(risky(text) ? "'" + text : text).replaceAll('"', '""')}"`;
// A number that stands with its interval, error or denominator has a second column for how it is shown.
const shown = cell => cell.textContent.trim().replace(/\s+/g, " ");
const hasMore = cell => cell?.dataset.v !== undefined && /[[±]|n\s*=/.test(cell.textContent);
function csv(table) {
  const rows = [...table.rows].filter(row => !row.hidden), heads = table.tHead.rows[0];
  const wide = [...heads.cells].map((_, k) => rows.some(row => hasMore(row.cells[k])));
  const more = (row, k) => wide[k] ? [row === heads ? `${shown(heads.cells[k])}, as shown` : shown(row.cells[k])] : [];
  const cells = row => [...row.cells].flatMap((cell, k) => [valueOf(cell), ...Array(cell.colSpan - 1).fill(""), ...more(row, k)]);
  return rows.map(row => cells(row).map(cellOf).join(",")).join("\r\n") + "\r\n";
}

for (const table of document.querySelectorAll("table[id]")) {
  const body = table.tBodies[0], rows = [...body.rows], caption = table.caption.textContent.trim();
  const tools = made("div", "", { className: "tools" });
  // rows of the matrix of verdicts belong to the claim above them
  const loose = !table.matches(".matrix");
  if (loose && rows.length > 2) sortable([...table.tHead.rows[0].cells], body);
  if (loose && rows.length > 7) filterable(tools, rows, caption);
  tools.append(button("CSV", `The rows shown of: ${caption}, as CSV`, () => save(csv(table), "text/csv", `${table.id}.csv`)));
  if (loose && rows.length > 7) table.parentElement.before(tools);
  else table.parentElement.after(tools);
}

// An SVG file has no style sheet: the colours are written into it as they are here, on the page's paper.
function drawing(svg) {
  const copy = svg.cloneNode(true), paper = getComputedStyle(document.documentElement).backgroundColor;
  const theirs = [...svg.querySelectorAll("*")];
  [...copy.querySelectorAll("*")].forEach((one, k) => {
    for (const name of ["fill", "stroke"])
      if (one.getAttribute(name)?.startsWith("var(")) one.setAttribute(name, getComputedStyle(theirs[k])[name]);
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("font-family", "system-ui, sans-serif");
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of [["width", "100%"], ["height", "100%"], ["fill", paper]]) sheet.setAttribute(name, value);
  copy.prepend(sheet);
  return new XMLSerializer().serializeToString(copy);
}

for (const place of document.querySelectorAll(".get")) {
  const svg = place.parentElement.querySelector("svg.plot");
  place.prepend(button("SVG", "This figure as SVG", () => save(drawing(svg), "image/svg+xml", `${place.dataset.name}.svg`)), " ");
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(one => { one.open = true; }));
