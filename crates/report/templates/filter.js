// Without this script the page is complete; with it, long tables can be narrowed by typing.
for (const input of document.querySelectorAll("[data-filter]")) {
  const rows = document.querySelectorAll("#" + input.dataset.filter + " tbody tr");
  input.closest("label").hidden = rows.length < 8;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}
