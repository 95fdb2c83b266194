// Gradio lays out each tab when it is opened first; what belongs to one has to wait for it.

// Acts once all elements of these ids are there.
export function whenLaidOut(ids, act) {
  const isThere = () => ids.every((id) => document.getElementById(id));
  if (isThere()) return act();
  new MutationObserver((_, observer) => {
    if (!isThere()) return;
    observer.disconnect();
    act();
  }).observe(document.body, { childList: true, subtree: true });
}
