(function () {
  "use strict";
  const SHOWN = 40;
  const columns = JSON.parse(document.getElementById("names").textContent);
  const field = document.getElementById("find");
  const note = document.getElementById("find-note");
  const list = document.getElementById("columns");
  const rows = [...document.querySelectorAll("tr[data-words]")];
  const idle = note.textContent;

  function wordsOf() { return field.value.toLowerCase().split(/\s+/).filter((word) => word); }
  function show() {
    const words = wordsOf();
    const tables = rows.filter((row) => {
      row.hidden = !words.every((word) => row.dataset.words.includes(word));
      return !row.hidden;
    });
    document.querySelectorAll(".schema").forEach((section) => {
      section.hidden = words.length > 0 && !section.querySelector("tr[data-words]:not([hidden])");
    });
    const found = words.length ? columns.filter(([table, column]) => words.every((word) => (table + " " + column).includes(word))) : [];
    list.replaceChildren(...found.slice(0, SHOWN).map(([table, column]) => {
      const way = document.createElement("a");
      way.textContent = table + "." + column;
      way.setAttribute("href", table + ".html#" + column);
      const entry = document.createElement("li");
      entry.append(way);
      return entry;
    }));
    list.hidden = !found.length;
    note.textContent = words.length
      ? tables.length + " tables and " + found.length + " columns match" + (found.length > SHOWN ? ", the first " + SHOWN + " columns are shown" : "") + "."
      : idle;
  }
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    show();
    const words = wordsOf();
    const named = rows.find((row) => !row.hidden && words.every((word) => row.querySelector("a").textContent.includes(word)));
    const way = (named || document).querySelector(named ? "a" : "#columns a") || document.querySelector("tr[data-words]:not([hidden]) a");
    if (words.length && way) window.location.href = way.getAttribute("href");
  });
  if (field.value) show();
})();
