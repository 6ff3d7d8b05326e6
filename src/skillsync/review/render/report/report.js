"use strict";
// Filters and toggles only: without it everything is there and open to read.
for (const bar of document.querySelectorAll("[data-bar]")) bar.hidden = false;
for (const button of document.querySelectorAll("[data-open]"))
  button.addEventListener("click", () => {
    for (const one of document.querySelectorAll("details")) one.open = button.dataset.open === "yes";
  });
for (const input of document.querySelectorAll("[data-filter]")) {
  const table = document.getElementById(input.dataset.filter);
  const said = document.getElementById(input.dataset.filter + "-count");
  const rows = [...table.tBodies[0].rows];
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(words);
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = shown + " of " + rows.length + " rows";
  });
}
