(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const DASH = "\u2014";

  const data = readSessions();
  function unpackColumn(packed) {
    if (typeof packed === "string" || Array.isArray(packed)) return packed;
    const values = [];
    packed.at.forEach((start, run) => {
      const end = run + 1 < packed.at.length ? packed.at[run + 1] : data.days.length;
      for (let place = start; place < end; place += 1) values.push(packed.is[run]);
    });
    return values;
  }
  for (const key of Object.keys(data.columns)) data.columns[key] = unpackColumn(data.columns[key]);

  const places = new Map(data.days.map((iso, place) => [iso, place]));
  const chosen = { a: null, b: null };

  function sayDay(iso) {
    const [year, month, day] = iso.split("-").map(Number);
    return day + " " + MONTHS[month - 1] + " " + year;
  }
  function sayAmount(value, digits) {
    return Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }
  function sayNumber(value, style, isDifference) {
    if (value === null || value === undefined) return DASH;
    const digits = { pts: 2, frac: 2, ratio: 3, usd: 0, count: 0 }[style];
    const amount = style === "frac" ? 100 * value : value;
    const text = sayAmount(amount, digits);
    const isZero = !/[1-9]/.test(text);
    const sign = isZero ? "" : amount < 0 ? "\u2212" : isDifference || style === "frac" ? "+" : "";
    const unit = style === "frac" ? (isDifference ? " points of %" : "%") : "";
    return sign + (style === "usd" ? "$" : "") + text + unit;
  }
  function make(tag, text, kind) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }
  function draw(tag, attributes, text) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function valueOf(key, place) {
    const value = data.columns[key][place];
    return data.codes[key] ? data.codes[key][value] : value;
  }

  // ---- table ----
  function headOf(label, href) {
    const head = make("th");
    head.setAttribute("scope", "row");
    const way = make("a", label);
    way.setAttribute("href", href);
    head.append(way);
    return head;
  }
  function groupOf(title) {
    const row = make("tr", undefined, "group");
    const head = make("th", title);
    head.setAttribute("scope", "rowgroup");
    head.setAttribute("colspan", "4");
    row.append(head);
    return row;
  }
  function rowOf(label, href, first, second, style) {
    const row = make("tr");
    const isText = style === "text";
    const isKnown = first !== null && second !== null && first !== undefined && second !== undefined;
    const said = isText ? [first, second] : [sayNumber(first, style), sayNumber(second, style)];
    let difference = isText ? (first === second ? "same" : "changed") : DASH;
    if (!isText && isKnown) difference = sayNumber(second - first, style, true);
    const last = make("td", difference, "number");
    if (isText && first !== second) last.classList.add("changed");
    row.append(headOf(label, href), make("td", said[0], "number"), make("td", said[1], "number"), last);
    return row;
  }
  function hasLedger(place) { return data.columns.pnl_cum_usd[place] !== null; }
  function holdingsOf(place) {
    const rows = data.holdings.rows;
    const found = new Map();
    let day = 0;
    for (let at = 0; at < rows.length; at += 5) {
      day += rows[at];
      if (day === place) {
        const label = data.holdings.layers[rows[at + 1]] + ": " + data.holdings.instruments[rows[at + 2]];
        found.set(label, [rows[at + 3], rows[at + 4]]);
      }
    }
    return found;
  }
  function fillTable(first, second) {
    const rows = [];
    for (const group of data.groups) {
      rows.push(groupOf(group.title));
      for (const row of group.rows) {
        rows.push(rowOf(row.label, row.href, valueOf(row.key, first), valueOf(row.key, second), row.style));
      }
    }
    const held = [holdingsOf(first), holdingsOf(second)];
    rows.push(groupOf("Positions of the model account, contracts at the close"));
    const names = [...new Set([...held[0].keys(), ...held[1].keys()])].sort();
    for (const name of names) {
      // what a day with a ledger does not list is not held on it: that is a zero, and known
      const [a, b] = held.map((side, at) => side.get(name) || (hasLedger([first, second][at]) ? [0, 0] : [null, null]));
      rows.push(rowOf(name, data.holdings.href + "#held_contracts", a[0], b[0], "count"));
      if (a[1] || b[1]) rows.push(rowOf(name + ", on order", data.holdings.href + "#order_contracts", a[1], b[1], "count"));
    }
    if (!names.length) {
      const row = make("tr");
      const isKnown = hasLedger(first) && hasLedger(second);
      const cell = make("td", isKnown ? "Nothing was held or on order on either day." : "Not known: no ledger on these days.");
      cell.setAttribute("colspan", "4");
      row.append(cell);
      rows.push(row);
    }
    document.getElementById("values").replaceChildren(...rows);
    document.getElementById("head-a").textContent = sayDay(data.days[first]);
    document.getElementById("head-b").textContent = sayDay(data.days[second]);
  }

  // ---- curves ----
  function fillCurves(first, second) {
    const figure = document.getElementById("curves");
    const width = Math.max(300, Math.min(1032, figure.clientWidth || 1032));
    const height = width < 600 ? 240 : 320;
    const edge = { left: 40, right: 12, top: 26, bottom: 26 };
    const values = [first, second].map((place) => data.curve.map((key) => data.columns[key][place]));
    const known = values.flat().filter((value) => value !== null);
    const svg = draw("svg", { class: "curves", viewBox: "0 0 " + width + " " + height, role: "img" });
    if (!known.length) {
      figure.replaceChildren(make("p", "Neither session has a VIX or a settlement.", "after"));
      return;
    }
    let low = Math.min(...known);
    let high = Math.max(...known);
    const step = [0.5, 1, 2, 5, 10, 20, 50].find((size) => (high - low) / size <= 6) || 100;
    low = Math.floor(low / step) * step;
    high = Math.max(Math.ceil(high / step) * step, low + step);
    const x = (rank) => edge.left + (rank + 0.3) * (width - edge.left - edge.right) / (data.curve.length - 0.4);
    const y = (value) => height - edge.bottom - (value - low) * (height - edge.top - edge.bottom) / (high - low);
    for (let tick = low; tick <= high + 1e-9; tick += step) {
      svg.append(draw("line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: y(tick), y2: y(tick) }));
      svg.append(draw("text", { x: edge.left - 8, y: y(tick) + 4, "text-anchor": "end" }, String(tick)));
    }
    data.curve.forEach((key, rank) => {
      const label = rank ? "VX" + rank : "VIX";
      svg.append(draw("text", { x: x(rank), y: height - 6, "text-anchor": "middle" }, label));
    });
    values.forEach((curve, side) => {
      const name = side ? "b" : "a";
      let run = [];
      const runs = [run];
      curve.forEach((value, rank) => {
        if (value === null) { run = []; runs.push(run); return; }
        run.push(x(rank).toFixed(1) + "," + y(value).toFixed(1));
      });
      runs.filter((points) => points.length > 1).forEach((points) => {
        svg.append(draw("polyline", { class: "curve-" + name, points: points.join(" ") }));
      });
      curve.forEach((value, rank) => {
        if (value === null) return;
        const mark = side
          ? draw("rect", { class: "mark-b", x: x(rank) - 3.5, y: y(value) - 3.5, width: 7, height: 7 })
          : draw("circle", { class: "mark-a", cx: x(rank), cy: y(value), r: 4 });
        mark.append(draw("title", {}, (rank ? "VX" + rank : "VIX") + " " + sayNumber(value, "pts")));
        svg.append(mark);
      });
      const at = edge.left + side * Math.min(220, width / 2 - 10);
      svg.append(draw("line", { class: "curve-" + name, x1: at, x2: at + 26, y1: 10, y2: 10, "stroke-width": 2 }));
      svg.append(draw("text", { x: at + 32, y: 14 }, sayDay(data.days[side ? second : first])));
    });
    svg.setAttribute("aria-label", "VIX and curve of " + sayDay(data.days[first]) + " and " + sayDay(data.days[second]));
    figure.replaceChildren(svg);
  }

  // ---- choosing ----
  function neighbours(iso) {
    let after = data.days.findIndex((day) => day > iso);
    if (after < 0) after = data.days.length;
    return [data.days[after - 1], data.days[after]].filter((day) => day !== undefined);
  }
  function choose(side, iso) {
    const note = document.getElementById("note-" + side);
    const place = places.get(iso);
    document.getElementById("day-" + side).value = iso;
    if (place === undefined) {
      // the nearest session is offered, never taken in its place
      note.replaceChildren(document.createTextNode((iso || "Nothing") + " is not a published session. "));
      if (iso) {
        neighbours(iso).forEach((day) => {
          const button = make("button", day);
          button.type = "button";
          button.addEventListener("click", () => { choose(side, day); show(); });
          note.append(button, document.createTextNode(" "));
        });
      }
      return;
    }
    chosen[side] = place;
    note.textContent = "";
  }
  function show() {
    const { a, b } = chosen;
    if (a === null || b === null) return;
    for (const button of document.querySelectorAll("button[data-move]")) {
      const target = chosen[button.dataset.side] + Number(button.dataset.move);
      button.disabled = target < 0 || target >= data.days.length;
    }
    document.getElementById("headline").textContent = sayDay(data.days[a]) + " and " + sayDay(data.days[b]);
    fillTable(a, b);
    fillCurves(a, b);
    const hash = "#a=" + data.days[a] + "&b=" + data.days[b];
    if (window.location.hash !== hash) window.history.replaceState(null, "", hash);
  }
  function readHash() {
    const wanted = new URLSearchParams(window.location.hash.slice(1));
    for (const side of ["a", "b"]) if (wanted.get(side)) choose(side, wanted.get(side));
    show();
  }
  if (!data.days.length) return;
  const first = document.querySelector("button[data-a]");
  choose("a", first ? first.dataset.a : data.days[0]);
  choose("b", data.days[data.days.length - 1]);
  document.querySelectorAll("input[type=date]").forEach((field) => {
    field.addEventListener("change", () => { choose(field.id.slice(-1), field.value); show(); });
  });
  document.querySelectorAll("button[data-move]").forEach((button) => {
    button.addEventListener("click", () => {
      const side = button.dataset.side;
      choose(side, data.days[chosen[side] + Number(button.dataset.move)]);
      show();
    });
  });
  document.querySelectorAll("button[data-a]").forEach((button) => {
    button.addEventListener("click", () => { choose("a", button.dataset.a); choose("b", button.dataset.b); show(); });
  });
  window.addEventListener("hashchange", readHash);
  window.addEventListener("resize", () => { if (chosen.a !== null && chosen.b !== null) fillCurves(chosen.a, chosen.b); });
  readHash();
})();
