// Light or dark: as the system has it, or as was chosen in this browser. It is no module: those run
// too late, when the page has been painted once.
(() => {
  const KEY = "pagelens-scheme";
  const AUTO = "auto";
  const isSystemDark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = AUTO;
  try {
    chosen = localStorage.getItem(KEY) ?? AUTO;
  } catch {
    // A browser that keeps nothing: the choice holds until the page is left.
  }

  function apply() {
    const isDark = chosen === "dark" || (chosen === AUTO && isSystemDark.matches);
    document.documentElement.style.colorScheme = isDark ? "dark" : "light";
    if (document.body.classList.contains("dark") !== isDark)
      document.body.classList.toggle("dark", isDark);
  }

  // The switch is laid out later than this is read.
  function showChoice() {
    const choice = document.querySelector(`input[name="scheme"][value="${chosen}"]`);
    if (choice && !choice.checked) choice.checked = true;
    return Boolean(choice);
  }

  apply();
  isSystemDark.addEventListener("change", apply);
  // Gradio asks the system alone, and says so on the body.
  new MutationObserver(apply).observe(document.body, { attributeFilter: ["class"] });
  if (!showChoice())
    new MutationObserver((_, observer) => showChoice() && observer.disconnect()).observe(
      document.body, { childList: true, subtree: true });
  document.addEventListener("change", ({ target }) => {
    if (target.name !== "scheme") return;
    chosen = target.value;
    apply();
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // See above.
    }
  });
})();
