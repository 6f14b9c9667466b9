(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const SHOWN = 60;

  const data = readSessions();
  const newest = data.days[data.days.length - 1];

  function dateOf(iso) { return new Date(iso + "T00:00:00Z"); }
  function sayDay(iso) {
    const day = dateOf(iso);
    return WEEKDAYS[day.getUTCDay()] + " " + day.getUTCDate() + " " + MONTHS[day.getUTCMonth()] + " " + day.getUTCFullYear();
  }
  function sayPoints(value) { return value === null ? "\u2014" : value.toFixed(2); }
  function sayPercent(value) {
    if (value === null) return "\u2014";
    return (value < 0 ? "\u2212" : "+") + Math.abs(100 * value).toFixed(2) + "%";
  }
  function wordsOf(mode, place) { return data.codes[mode][data[mode][place]][0]; }
  function toneOf(mode, place) { return data.codes[mode][data[mode][place]][1]; }
  function hasReport(place) { return data.reported[place] === "1"; }
  function pageOf(place) { return data.days[place] + "/hedge-state.html"; }
  function make(tag, text, kind) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }
  function link(text, href) {
    const made = make("a", text);
    made.setAttribute("href", href);
    return made;
  }

  // ---- search ----
  const field = document.getElementById("find");
  const note = document.getElementById("find-note");
  const region = document.getElementById("hits");
  const body = region.querySelector("tbody");
  const hay = data.days.map((iso) => (iso + " " + iso.replace(/-/g, "") + " " + sayDay(iso)).toLowerCase());
  const idle = note.textContent;

  function search(text) {
    const words = text.toLowerCase().split(/[\s,]+/).filter((word) => word);
    const found = [];
    if (!words.length) return found;
    for (let place = hay.length - 1; place >= 0; place -= 1) {
      if (words.every((word) => hay[place].includes(word))) found.push(place);
    }
    return found;
  }
  function rowOf(place) {
    const row = document.createElement("tr");
    const head = make("th");
    head.setAttribute("scope", "row");
    head.append(hasReport(place) ? link(sayDay(data.days[place]), pageOf(place)) : document.createTextNode(sayDay(data.days[place])));
    row.append(head, make("td", sayPoints(data.vix[place]), "number"), make("td", sayPercent(data.contango[place]), "number"));
    for (const mode of ["regime", "temporal", "governor"]) row.append(make("td", wordsOf(mode, place)));
    const report = make("td");
    report.append(hasReport(place) ? link("open", pageOf(place)) : make("code", "alvh report --as-of " + data.days[place]));
    const compare = make("td");
    compare.append(link("compare", "compare.html#a=" + data.days[place] + "&b=" + newest));
    row.append(report, compare);
    return row;
  }
  function show() {
    const text = field.value.trim();
    const found = search(text);
    body.replaceChildren(...found.slice(0, SHOWN).map(rowOf));
    region.hidden = !found.length;
    if (!text) note.textContent = idle;
    else if (!found.length) {
      note.textContent = "No session matches. " + (/^\d{4}-\d{2}-\d{2}$/.test(text) ? text + " is no session of VIX futures, or is not published." : "");
    } else {
      const first = found.find(hasReport);
      note.textContent = (found.length === 1 ? "1 session" : found.length + " sessions")
        + (found.length > SHOWN ? ", the newest " + SHOWN + " are shown" : "")
        + (first === undefined ? "; none has a report yet" : "; Enter opens the report of " + sayDay(data.days[first])) + ".";
    }
    return found;
  }
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = show().find(hasReport);
    if (first !== undefined) window.location.href = pageOf(first);
  });

  // ---- calendar ----
  const CELL = 10;
  const ROW = 18;
  const WEEKS = 54;
  const heat = document.getElementById("heat");
  const readout = document.getElementById("readout");
  const years = [...new Set(data.days.map((iso) => iso.slice(0, 4)))].reverse();
  const cells = [];

  function columnOf(iso) {
    const day = dateOf(iso);
    const first = new Date(Date.UTC(day.getUTCFullYear(), 0, 1));
    const weekday = (day.getUTCDay() + 6) % 7;
    const shift = (first.getUTCDay() + 6) % 7;
    const week = Math.floor(((day - first) / 86400000 + shift) / 7);
    return week * 5 + Math.min(weekday, 4);
  }
  function describe(place) {
    return sayDay(data.days[place]) + ": VIX " + sayPoints(data.vix[place]) + ", contango " + sayPercent(data.contango[place])
      + "; " + wordsOf("regime", place) + "; temporal vega " + wordsOf("temporal", place) + "; governor " + wordsOf("governor", place);
  }
  function announce(place) {
    const way = hasReport(place)
      ? link("open the report", pageOf(place))
      : make("code", "alvh report --as-of " + data.days[place]);
    readout.replaceChildren(document.createTextNode(describe(place) + " \u00b7 "), way);
  }
  function drawCalendar() {
    const svg = document.createElementNS(SVG, "svg");
    const isTouch = window.matchMedia("(pointer: coarse)").matches;
    svg.setAttribute("viewBox", "0 0 " + WEEKS * 5 * CELL + " " + years.length * ROW);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", "Calendar of states, a row a year");
    svg.style.height = years.length * ROW + "px";
    const rows = new Map(years.map((year, place) => [year, place]));
    data.days.forEach((iso, place) => {
      const cell = document.createElementNS(SVG, "rect");
      const row = rows.get(iso.slice(0, 4)) * ROW;
      const x = columnOf(iso) * CELL;
      cell.setAttribute("x", x);
      cell.setAttribute("y", row + 1);
      cell.setAttribute("width", CELL);
      cell.setAttribute("height", ROW - 4);
      cell.setAttribute("data-day", iso);
      const title = document.createElementNS(SVG, "title");
      title.textContent = describe(place);
      cell.append(title);
      cells.push(cell);
      cell.addEventListener("pointerenter", () => announce(place));
      if (!hasReport(place)) {
        cell.addEventListener("click", () => announce(place));
        svg.append(cell);
        return;
      }
      const way = document.createElementNS(SVG, "a");
      way.setAttribute("href", pageOf(place));
      way.setAttribute("tabindex", "-1");
      way.setAttribute("aria-label", describe(place));
      const dot = document.createElementNS(SVG, "rect");
      dot.setAttribute("class", "dot-report");
      dot.setAttribute("x", x);
      dot.setAttribute("y", row + ROW - 3);
      dot.setAttribute("width", CELL);
      dot.setAttribute("height", 2);
      way.append(cell, dot);
      // a finger covers many cells: it chooses first, and opens from the line above
      way.addEventListener("click", (event) => {
        announce(place);
        if (isTouch) event.preventDefault();
      });
      svg.append(way);
    });
    const labels = make("div", undefined, "heat-years");
    years.forEach((year) => labels.append(make("div", year)));
    const months = make("div", undefined, "heat-months");
    MONTHS.forEach((name) => months.append(make("div", name)));
    heat.append(make("div"), months, labels, svg);
  }
  function colour(mode) {
    cells.forEach((cell, place) => cell.setAttribute("class", "heat-" + toneOf(mode, place)));
    document.querySelectorAll(".legend").forEach((legend) => { legend.hidden = legend.dataset.mode !== mode; });
  }
  drawCalendar();
  colour("regime");
  document.getElementById("calendar").hidden = false;
  document.querySelectorAll("input[name=mode]").forEach((choice) => {
    choice.addEventListener("change", () => colour(choice.value));
  });
  if (cells.length) announce(cells.length - 1);
  if (field.value) show();
})();
