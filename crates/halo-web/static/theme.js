// Runs before the first paint, so that a chosen theme does not flash and what needs scripts is
// there from the beginning. The choice is kept under
// "halo-theme": "light", "dark", or nothing for the system's.
document.documentElement.classList.add("scripted");
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
