// The picture of a trace: events to the right; below them who is at work under which locks, then who has the pages.
(() => {
  const source = document.getElementById("traces");
  if (!source) return;
  const traces = JSON.parse(source.textContent);
  const LEFT = 78, COLUMN = 92, HEAD = 62, LANE = 30, BAR = 74, GAP = 20, WIDTH = 40;
  const colour = who => `var(--${/^d[0-3]$/.test(who) ? who : "dn"})`;

  const svg = (tag, attributes, ...children) => build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
  const html = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
  function build(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...children.filter(child => child !== null && child !== undefined));
    return element;
  }

  // Patterns are needed once a colour: stripes for claims on a node, dots for host-wide ones, bars for limbo.
  const PATTERNS = {
    claimed: ink => svg("path", { d: "M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2", stroke: ink, "stroke-width": 1.6 }),
    wide: ink => svg("circle", { cx: 3, cy: 3, r: 1.4, fill: ink }),
    limbo: ink => svg("path", { d: "M1,0 v6 M4,0 v6", stroke: ink, "stroke-width": 1.2 }),
  };
  function fill(kind, who) {
    if (kind === "used") return colour(who);
    const id = `${kind}-${/^d[0-3]$/.test(who) ? who : "dn"}`;
    if (!document.getElementById(id))
      patterns.append(svg("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, PATTERNS[kind](colour(who))));
    return `url(#${id})`;
  }
  const patterns = svg("defs");
  document.body.append(svg("svg", { width: 0, height: 0, "aria-hidden": "true", style: "position:absolute" }, patterns));

  const laneOf = scene => scene.who.split(" ")[0];
  const locks = section => section.map(name => name.startsWith("page") ? "P" : "H").join("");

  function parts(bar) {  // from the bottom up; what is claimed is free
    const found = [];
    if (bar.offline) found.push(["offline", "", bar.offline]);
    for (const kind of ["used", "limbo", "claimed", "host_wide"])
      for (const [who, pages] of Object.entries(bar[kind] || {})) found.push([kind === "host_wide" ? "wide" : kind, who, pages]);
    return found;
  }

  function barPicture(bar, x, top, scale) {
    const group = svg("g", {}), bottom = top + BAR;
    let y = bottom;
    for (const [kind, who, pages] of parts(bar)) {
      const height = pages * scale;
      y -= height;
      group.append(svg("rect", { x, y, width: WIDTH, height, fill: kind === "offline" ? "var(--dn)" : fill(kind, who), stroke: who ? colour(who) : "var(--dn)" }));
      if (who && height > 13) group.append(svg("text", { class: "owner", x: x + WIDTH / 2, y: y + height / 2 + 4, "text-anchor": "middle" }, /^d/.test(who) ? who : "–"));
    }
    const full = bar.pages * scale;
    group.append(svg("rect", { class: "frame", x, y: bottom - full, width: WIDTH, height: full }));
    const beyond = -(bar.unclaimed || 0);
    if (beyond > 0) {
      group.append(svg("rect", { class: "over", x: x - 2, y, width: WIDTH + 4, height: beyond * scale }));
      group.append(svg("text", { class: "bad", x: x + WIDTH + 4, y: y + 10 }, `!${beyond}`));
    }
    group.append(svg("title", {}, `${bar.name}: ` + [...parts(bar).map(([kind, who, pages]) => `${pages} ${kind === "wide" ? "claimed host-wide" : kind}${who ? ` by ${who}` : ""}`),
      beyond > 0 ? `${beyond} claimed beyond the free pages` : `${bar.unclaimed || 0} free and unclaimed`].join(", ")));
    return group;
  }

  function wrapped(name) {  // an operation's name in lines that fit a column
    const lines = [""];
    for (const word of name.split(/(?<=_)/)) {
      if (lines[lines.length - 1].length + word.length > 14) lines.push("");
      lines[lines.length - 1] += word;
    }
    return lines.filter(Boolean);
  }

  const pages = side => side.scenes.flatMap(s => (s.bars || []).map(b => Math.max(b.pages, b.pages - (b.unclaimed || 0))));

  function picture(side, most, isBroken, choose) {
    const scenes = side.scenes, lanes = [...new Set(scenes.slice(1).map(laneOf))];
    const bars = scenes[0].bars;
    const scale = BAR / most, barsTop = HEAD + lanes.length * LANE + GAP / 2;
    const width = scenes.length * COLUMN, height = barsTop + bars.length * (BAR + GAP) + 4;
    const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Timeline of ${scenes.length - 1} events in ${side.semantics}; the same is said below and in words` });
    const names = svg("svg", { width: LEFT, height, "aria-hidden": "true", class: "labels" });
    lanes.forEach((lane, i) => {
      const y = HEAD + i * LANE + LANE / 2, at = scenes.map((s, k) => (k && laneOf(s) === lane ? k : 0)).filter(Boolean);
      names.append(svg("text", { x: 0, y: y + 4 }, scenes[at[0]].who));
      root.append(svg("line", { class: "lane", x1: 0, x2: width, y1: y, y2: y }));
      if (at.length > 1 && lane.startsWith("builder")) root.append(svg("line", { class: "flight", x1: at[0] * COLUMN + COLUMN / 2, x2: at[at.length - 1] * COLUMN + COLUMN / 2, y1: y, y2: y }));
    });
    bars.forEach((bar, i) => {
      const y = barsTop + i * (BAR + GAP) + BAR;
      names.append(svg("text", { x: 0, y: y - BAR / 2 }, bar.name), svg("text", { class: "soft", x: 0, y: y - BAR / 2 + 13 }, `${bar.pages} page${bar.pages === 1 ? "" : "s"}`));
    });
    const columns = scenes.map((scene, k) => {
      const x = k * COLUMN, middle = x + COLUMN / 2, last = isBroken && k === scenes.length - 1;
      const group = svg("g", { class: `column${last ? " broken" : ""}` });
      group.append(svg("rect", { class: "hit", x: x + 1, y: 1, width: COLUMN - 2, height: height - 2, rx: 4 }));
      wrapped(`${k} ${scene.op}`).forEach((line, i) => group.append(svg("text", { class: "op", x: middle, y: 13 + i * 12, "text-anchor": "middle" }, line)));
      if (k) {
        const y = HEAD + lanes.indexOf(laneOf(scene)) * LANE + 4, sections = scene.sections || [];
        const each = (COLUMN - 24) / Math.max(1, sections.length);
        (sections.length ? sections : [[]]).forEach((section, i) => {
          group.append(svg("rect", { class: `section ${locks(section)}`, x: x + 12 + i * each, y, width: each - 3, height: LANE - 8, rx: 3 }));
          group.append(svg("text", { x: x + 12 + i * each + (each - 3) / 2, y: y + 15, "text-anchor": "middle" }, locks(section)));
        });
      }
      (scene.bars || []).forEach((bar, i) => group.append(barPicture(bar, middle - WIDTH / 2, barsTop + i * (BAR + GAP), scale)));
      const trouble = scene.crash ? "host stops" : scene.impossible ? "cannot happen" : refused(scene) ? scene.result : "";
      if (trouble) group.append(svg("text", { class: "bad", x: middle, y: height - 6, "text-anchor": "middle" }, trouble));
      if (last) group.append(svg("text", { class: "bad", x: middle, y: HEAD - 5, "text-anchor": "middle" }, "✗ violated"));
      group.addEventListener("click", () => choose(k));
      return group;
    });
    root.append(...columns);
    return { root, names, columns };
  }

  const refused = scene => scene.result === "refused" || /^E[A-Z0-9]+/.test(scene.result || "");

  function facts(scene, k, broken, other) {
    const box = html("div", { class: "facts" });
    const line = (label, text, kind) => text && box.append(html("p", { class: kind || "" }, html("b", {}, `${label}: `), text));
    line(`Event ${k}`, `${scene.who}, ${scene.op}`);
    line("Arguments", Object.entries(scene.arguments || {}).map(([name, value]) => `${name} = ${value}`).join(", "));
    line("Result", scene.crash ? `the host stops: ${scene.crash}` : scene.impossible ? `cannot happen here: ${scene.impossible}` : scene.result, scene.crash || scene.impossible || refused(scene) ? "bad" : "");
    line("Locks", (scene.sections || []).map(section => section.join(", then ")).join("; afterwards "));
    if (scene.changes) {
      const body = html("tbody", {});
      for (const change of scene.changes) {
        const [, name, before, after] = change.match(/^(\S+) (.*) -> (.*)$/);
        body.append(html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, before), html("td", {}, after)));
      }
      const head = html("tr", {}, ...["field", "before", "after"].map(text => html("th", { scope: "col" }, text)));
      box.append(html("table", {}, html("thead", {}, head), body));
    }
    for (const text of scene.violations || []) line(other ? "Broken here, another property" : "Broken", text, "bad");
    if (broken) for (const text of broken) line("The violated inequality", text, "bad");
    return box;
  }

  function show(place) {
    const trace = traces[place.dataset.name], length = Math.max(...trace.sides.map(side => side.scenes.length));
    const slider = html("input", { type: "range", min: 0, max: length - 1, value: length - 1, "aria-label": "Event" });
    const label = html("output", {});
    const button = (text, name, step) => {
      const made = html("button", { type: "button", "aria-label": name }, text);
      made.addEventListener("click", () => choose(Number(slider.value) + step));
      return made;
    };
    const sides = html("div", { class: "sides" });
    const most = Math.max(1, ...trace.sides.flatMap(pages));
    const shown = trace.sides.map((side, i) => {
      const { root, names, columns } = picture(side, most, i === 0, choose), box = html("div", { "aria-live": i === 0 ? "polite" : "off" });
      const scroll = html("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `Timeline in ${side.semantics}` }, root);
      sides.append(html("div", { class: "side" }, html("h4", {}, side.semantics + (i ? ", the same events" : "")), html("div", { class: "picture" }, names, scroll), box));
      return { side, columns, box, scroll };
    });
    function choose(k) {
      slider.value = k = Math.max(0, Math.min(length - 1, k));
      label.textContent = `event ${k} of ${length - 1}`;
      shown.forEach(({ side, columns, box, scroll }, i) => {
        const at = Math.min(k, side.scenes.length - 1);
        columns.forEach((column, n) => column.classList.toggle("now", n === k));
        const broken = i === 0 && at === side.scenes.length - 1 ? trace.broken : null;
        box.replaceChildren(k > at ? html("p", { class: "facts" }, "The host has stopped.") : facts(side.scenes[at], at, broken, i > 0));
        const x = at * COLUMN;
        if (x < scroll.scrollLeft || x + COLUMN > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = x - COLUMN;
      });
    }
    slider.addEventListener("input", () => choose(Number(slider.value)));
    sides.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) { event.preventDefault(); choose(Number(slider.value) + step); }
    });
    place.append(html("div", { class: "stepper" }, button("◀ back", "Step back", -1), slider, button("forward ▶", "Step forward", 1), label), sides);
    choose(length - 1);
  }

  function opened(details) {
    const place = details.querySelector(".timeline");
    if (details.open && place && !place.firstChild) show(place);
  }
  for (const details of document.querySelectorAll("details.finding")) {
    details.addEventListener("toggle", () => opened(details));
    opened(details);
  }
})();
