"use strict";
// The matrix: filters, arrow keys, and the sentence of the cell that is pointed at.
(() => {
  const grid = document.getElementById("grid");
  if (!grid) return;
  const form = document.getElementById("filters"), meaning = document.getElementById("meaning");
  const rows = [...grid.tBodies[0].rows], head = [...grid.tHead.rows[0].cells];
  const anyLive = head.some(cell => cell.classList.contains("live")), narrow = matchMedia("(max-width: 44rem)").matches;

  function filter() {
    const wanted = Object.fromEntries(new FormData(form));
    const columns = head.map((cell, i) => i === 0
      || (wanted.generation ? cell.dataset.generation === wanted.generation : Boolean(wanted.older) || cell.classList.contains("live") || !anyLive));
    head.forEach((cell, i) => { cell.hidden = !columns[i]; });
    let shown = 0, matching = 0;
    for (const row of rows) {
      const cells = [...row.cells];
      const matches = cells.map((cell, i) => i > 0 && columns[i] && cell.dataset.k && (!wanted.verdict || cell.dataset.k === wanted.verdict));
      row.hidden = !(!wanted.property || row.dataset.property === wanted.property)
        || (row.dataset.folded && !wanted[row.dataset.folded]) || !matches.some(Boolean);
      cells.forEach((cell, i) => { cell.hidden = !columns[i]; cell.classList.toggle("dim", i > 0 && !matches[i]); });
      if (!row.hidden) { shown += 1; matching += matches.filter(Boolean).length; }
    }
    document.getElementById("shown").textContent = `${matching} verdicts in ${shown} rows`;
    for (const finding of document.querySelectorAll(".finding[data-generation], h4.gen"))
      finding.hidden = Boolean(wanted.generation) && finding.dataset.generation !== wanted.generation;
    settle(first() || null);
  }

  const inner = cell => cell.querySelector("a, .cell");
  const first = () => [...grid.tBodies[0].querySelectorAll("a, .cell")].find(e => e.offsetParent);
  let current = null;
  function settle(element) {  // one cell is in the tab order; arrow keys move on from it
    if (current) current.tabIndex = -1;
    current = element;
    if (element) element.tabIndex = 0;
  }
  function tell(element) {
    meaning.textContent = element.querySelector(".vh").textContent.trim();
  }
  for (const element of grid.querySelectorAll("tbody a, tbody .cell")) element.tabIndex = -1;
  grid.addEventListener("focusin", event => { const e = event.target.closest("a, .cell"); if (e) { settle(e); tell(e); } });
  grid.addEventListener("pointerover", event => { const e = event.target.closest("a, .cell"); if (e) tell(e); });
  grid.addEventListener("click", event => { const e = event.target.closest(".cell"); if (e) e.focus(); });
  grid.addEventListener("keydown", event => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell) return;
    event.preventDefault();
    let row = cell.parentElement.sectionRowIndex, column = cell.cellIndex;
    for (;;) {
      row += step[0]; column += step[1];
      const next = rows[row] && rows[row].cells[column];
      if (!next || column === 0) return;
      const target = !rows[row].hidden && !next.hidden && inner(next);
      if (target) return target.focus();
    }
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", event => event.preventDefault());
  if (narrow && anyLive) form.elements.older.checked = false;  // four columns fit a phone
  filter();
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  let before = null;
  addEventListener("beforeprint", () => {  // nobody can unfold rows on paper
    before = boxes.map(box => box.checked);
    boxes.forEach(box => { box.checked = true; });
    filter();
  });
  addEventListener("afterprint", () => { if (before) boxes.forEach((box, i) => { box.checked = before[i]; }); filter(); });
})();

// A link to something folded opens it.
(() => {
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let e = target; e; e = e.parentElement) { if (e.tagName === "DETAILS") e.open = true; e.hidden = false; }
    target.scrollIntoView();
    if (target.tagName === "DETAILS") target.querySelector("summary").focus({ preventScroll: true });
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  addEventListener("beforeprint", () => document.querySelectorAll(".finding[open] .words").forEach(e => { e.open = true; }));
})();
