// The models tab: which lines of the table are shown.

function filterModels(form) {
  const wanted = new FormData(form);
  const rows = [...document.querySelectorAll("#models tbody tr")];
  for (const row of rows) {
    row.hidden = [...wanted].some(([name, value]) => value && row.dataset[name] !== value);
  }
  const shown = rows.filter((row) => !row.hidden).length;
  document.getElementById("models-count").textContent = `${shown} of ${rows.length} models.`;
}

export function startModels() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("#models-form");
    if (form) filterModels(form);
  });
}
