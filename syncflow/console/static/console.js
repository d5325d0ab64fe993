// Keeps an open page up to date: the server says that something changed, the page is asked for again, and its live parts are exchanged.
"use strict";
(() => {
  const stream = document.body.dataset.stream;
  const problem = document.getElementById("problem");
  const inRun = document.body.dataset.inRun === "yes";
  let version = document.body.dataset.version ?? null, waiting = null, busy = false, again = false;

  function tell(words) {
    problem.hidden = !words;
    if (problem.textContent !== words) problem.textContent = words;
  }

  // What a person works in is left alone: an opened detail, a focused control, a selection.
  function isInUse(part) {
    const selection = document.getSelection();
    return part.querySelector("details[open]") || (part.contains(document.activeElement) && document.activeElement !== document.body)
      || (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
  }

  async function refresh() {
    if (busy || document.hidden) { again = true; return; }
    busy = true; again = false;
    const began = Date.now();
    try {
      const answer = await fetch(location.href, { redirect: "manual", headers: { Accept: "text/html" } });
      if (answer.type === "opaqueredirect") { location.reload(); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const trouble = page.getElementById("trouble");
      if (trouble && !document.getElementById("trouble")) { tell(trouble.querySelector(".big").textContent + ". Trying again."); later(2000); return; }
      if (!trouble && document.getElementById("trouble")) { location.reload(); return; }
      tell("");
      if (trouble) { later(2000); return; }
      for (const part of document.querySelectorAll("[data-live]")) {
        const newer = page.getElementById(part.id);
        if (newer && newer.innerHTML !== part.innerHTML && !isInUse(part)) part.replaceChildren(...document.adoptNode(newer).childNodes);
      }
    } catch {
      lost();
    } finally {
      busy = false;
      // A page that costs the server much is asked for seldom.
      if (again) later(Math.max(2000, 10 * (Date.now() - began)));
    }
  }

  function later(milliseconds) {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, milliseconds);
  }

  function lost() {
    tell(inRun ? "The run has ended, or its console cannot be reached. What it journaled is safe: `syncflow console` shows it. Trying again."
      : "The console cannot be reached. Trying again.");
  }

  // On a narrow screen the tabs scroll: the one of this page is to be seen.
  const tab = document.querySelector(".top nav [aria-current]");
  if (tab) { const list = tab.closest("ul"); list.scrollLeft = tab.offsetLeft - (list.clientWidth - tab.offsetWidth) / 2; }

  if (stream && window.EventSource) {
    const source = new EventSource(stream);
    source.addEventListener("change", (event) => {
      if (version !== null && event.data !== version) later(300);
      else if (!problem.hidden) later(0);
      version = event.data;
    });
    source.onerror = () => { if (source.readyState === EventSource.CONNECTING) lost(); else setInterval(refresh, 10000); };
    window.addEventListener("pagehide", () => source.close());
    window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }
  if (document.getElementById("trouble")) later(2000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) later(0); });
})();
