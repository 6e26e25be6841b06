"use strict";
// Every column head becomes a button: ascending, descending, and as it was.
const UNKNOWN = "–";

function duration(text) {
  const found = /^(?:(\d+) h)? ?(?:(\d+) min)? ?(?:([\d.]+) s)?$/.exec(text);
  return found && (found[1] || found[2] || found[3])
    ? 3600 * (found[1] || 0) + 60 * (found[2] || 0) + 1 * (found[3] || 0)
    : null;
}

function key(text) {
  if (text === "" || text.startsWith(UNKNOWN)) return null;
  const seconds = duration(text);
  if (seconds !== null) return seconds;
  const found = /^[<>≤≥=~ ]*(-?\d[\d,\u202f]*(?:\.\d+)?(?:e[-+]?\d+)?)(?![\w.])/i.exec(text.replace("−", "-"));
  return found ? Number(found[1].replace(/[,\u202f]/g, "")) : text;
}

function compare(first, second, sign) {
  if (first === null || second === null) return (first === null) - (second === null); // unknown: last either way
  if (typeof first === "number" && typeof second === "number") return sign * (first - second);
  if (typeof first !== typeof second) return sign * (typeof first === "number" ? -1 : 1);
  return sign * first.localeCompare(second, "en", { numeric: true });
}

function sort(table, bodies, column, order) {
  for (const body of [...table.tBodies]) body.remove();
  if (order === "none") {
    for (const { body, rows } of bodies) {
      body.append(...rows);
      table.append(body);
    }
    return;
  }
  const sign = order === "ascending" ? 1 : -1;
  const rows = bodies.flatMap(({ rows }) => rows.map((row) => ({ row, key: key(row.cells[column].textContent.trim()) })));
  rows.sort((first, second) => compare(first.key, second.key, sign));
  const all = document.createElement("tbody");
  all.append(...rows.map(({ row }) => row));
  table.append(all);
}

for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells];
  const bodies = [...table.tBodies].map((body) => ({ body, rows: [...body.rows] }));
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: "none" };
      const order = next[head.getAttribute("aria-sort")] || "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      if (order !== "none") head.setAttribute("aria-sort", order);
      sort(table, bodies, column, order);
    });
  });
}

// What scrolls says so, and until where.
function mark(box) {
  const scroller = box.parentElement;
  scroller.classList.toggle("scrolls", box.scrollWidth > box.clientWidth + 1);
  scroller.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
}
const sizes = new ResizeObserver((seen) => seen.forEach(({ target }) => mark(target.closest(".box"))));
for (const box of document.querySelectorAll(".box")) {
  box.addEventListener("scroll", () => mark(box), { passive: true });
  sizes.observe(box);
  sizes.observe(box.firstElementChild);
  mark(box);
}

// A link to a folded part opens it, and paper shows all parts.
function unfold() {
  const part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part && part.tagName === "DETAILS") {
    part.open = true;
    part.scrollIntoView();
  }
}
addEventListener("hashchange", unfold);
unfold();
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details.part")) part.open = true;
});
