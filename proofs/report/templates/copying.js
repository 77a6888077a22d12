// A finding as a mail of plain text, and the link to it.
(() => {
  const source = document.getElementById("traces");
  if (!source) return;
  const traces = JSON.parse(source.textContent), WIDTH = 72;

  function wrapped(text, hang = "") {
    const lines = [""];
    for (const word of text.trim().split(/\s+/)) {
      const last = lines[lines.length - 1];
      if (last.trim() && last.length + word.length + 1 > WIDTH) lines.push(hang + word);
      else lines[lines.length - 1] = last.trim() ? `${last} ${word}` : last + word;
    }
    return lines.join("\n");
  }

  function mail(finding) {
    const { sides: [here], broken } = traces[finding.id.slice(2)], text = query => (finding.querySelector(query) || {}).innerText || "";
    const events = here.scenes.slice(1).map((scene, i) => {
      const given = Object.entries(scene.arguments || {}).map(([name, value]) => `${name}=${value}`).join(", ");
      const result = scene.crash ? `the host stops: ${scene.crash}` : scene.impossible || scene.result || "";
      return wrapped(`${i + 1}. ${scene.who}: ${scene.op}(${given})${result ? ` -> ${result}` : ""}`, "   ");
    });
    const conditions = text("summary small"), where = [...finding.querySelectorAll(".where dt")].map(dt => {
      const value = dt.nextElementSibling;  // a command stays on one line, to be pasted
      return value.querySelector("code") ? `${dt.innerText}:\n  ${value.innerText}` : wrapped(`${dt.innerText}: ${value.innerText}`, "  ");
    });
    return [`Subject: ${here.semantics}: ${finding.dataset.property} fails${conditions ? ` ${conditions}` : ""}`, "",
      wrapped(text(".claim")), "", `The shortest trace, ${events.length} events from boot:`, "", ...events, "", "Violated after the last event:", "",
      ...broken.map(one => `  ${one}`), "", ...where, ""].join("\n");
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {  // no permission, or a browser that has no clipboard for files
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  document.addEventListener("click", async event => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const finding = button.closest(".finding"), link = `${location.href.split("#")[0]}#${finding.id}`;
    const done = await copy(button.dataset.copy === "link" ? link : mail(finding));
    button.parentElement.querySelector("[role=status]").textContent = done ? "copied" : "this browser does not let the page copy";
    button.focus();
  });
})();
