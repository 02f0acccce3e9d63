// Runs before the first paint, so that a chosen theme does not flash. The choice is kept under
// "halo-theme": "light", "dark", or nothing for the system's.
{
  const apply = () => {
    let theme = null;
    try { theme = localStorage.getItem("halo-theme"); } catch { /* storage is closed: follow the system */ }
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  apply();
  addEventListener("storage", (event) => { if (event.key === "halo-theme") apply(); });
}
