"use strict";
// Tables sort by a click or a key on a column's head; without this script they are merely not sortable.
for (const table of document.querySelectorAll("table[id]")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  if (body.rows.length < 3) continue;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = row => { const cell = row.cells[column]; return cell.dataset.v ?? cell.textContent.trim(); };
      const numeric = head.classList.contains("n");
      const number = row => { const value = row.cells[column].dataset.v ?? row.cells[column].textContent.trim(); return value === "" ? NaN : Number(value); };
      const order = (a, b) => {
        if (!numeric) return key(a).localeCompare(key(b)) * (down ? -1 : 1);
        const x = number(a), y = number(b);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return (x - y) * (down ? -1 : 1);
      };
      body.append(...[...body.rows].sort(order));
    });
  });
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(one => { one.open = true; }));
