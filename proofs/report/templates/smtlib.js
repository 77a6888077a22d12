// The SMT-LIB text of an obligation, out of the packed part of this file.
(() => {
  let texts = null;
  async function unpacked() {
    const bytes = Uint8Array.from(atob(document.getElementById("smtlib").textContent), c => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  }
  document.addEventListener("click", async event => {
    const button = event.target.closest("button.smt");
    if (!button) return;
    const row = button.closest("tr"), open = row.nextElementSibling;
    if (open && open.classList.contains("smt-text")) return open.remove();
    texts = texts || unpacked();
    const text = (await texts)[button.dataset.name];
    const cell = document.createElement("td"), pre = document.createElement("pre"), shown = document.createElement("tr");
    cell.colSpan = row.cells.length;
    pre.tabIndex = 0;
    pre.textContent = text;
    shown.className = "smt-text";
    cell.append(pre);
    shown.append(cell);
    row.after(shown);
  });
})();
