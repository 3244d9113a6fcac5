// What a page can do with JavaScript: copy a value, count down, say how old it is, and give times in the reader's own zone.
// Nothing here is needed to read a page.
"use strict";
(function () {
  const second = 1000;

  function copies(event) {
    const button = event.target.closest("button.copy");
    if (!button) return;
    navigator.clipboard.writeText(button.dataset.copy).then(() => {
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 1.5 * second);
    });
  }

  function inWords(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    const parts = [[86400, "d"], [3600, "h"], [60, "min"]];
    for (const [length, name] of parts) {
      if (s >= 2 * length) return Math.floor(s / length) + " " + name;
    }
    return s + " s";
  }

  // The chain's clock and the reader's may differ: a countdown goes on from the chain's time when the page was made.
  function ticks() {
    const now = Date.now() / second;
    for (const place of document.querySelectorAll("[data-until]")) {
      if (place.dataset.seen !== place.dataset.now) {
        place.dataset.seen = place.dataset.now;
        place.dataset.offset = now - Number(place.dataset.now);
      }
      const left = Number(place.dataset.until) - (now - Number(place.dataset.offset));
      place.textContent = left > 0 ? inWords(left) + " left" : "time is up";
    }
    for (const place of document.querySelectorAll("[data-since]")) {
      place.textContent = inWords(now - Number(place.dataset.since));
    }
  }

  function prepares() {
    for (const time of document.querySelectorAll("time[datetime]:not([data-local])")) {
      const local = new Date(time.dateTime);
      time.dataset.local = "yes";
      time.title = time.title + " · " + local.toLocaleString() + " here";
      if (time.classList.contains("both")) {
        time.textContent += " (" + local.toLocaleString() + " here)";
      }
    }
    ticks();
  }

  // An update of the page leaves alone what the reader has opened or moved, and what was drawn.
  function keepsWhatIsTheReaders() {
    if (!window.Idiomorph) return;
    Object.assign(Idiomorph.defaults.callbacks, {
      beforeNodeMorphed: (old) => !(old.matches && old.matches(".chart, .replay input, .kept")),
      beforeAttributeUpdated: (attribute, node) => !(attribute === "open" && node.tagName === "DETAILS"),
    });
    document.addEventListener("htmx:beforeRequest", (event) => {
      const slider = document.querySelector(".replay input");
      if (slider && Number(slider.value) < Number(slider.max)) event.preventDefault();
    });
  }

  document.documentElement.classList.add("js");
  if (navigator.clipboard) document.documentElement.classList.add("copies");
  document.addEventListener("DOMContentLoaded", keepsWhatIsTheReaders);
  document.addEventListener("click", copies);
  document.addEventListener("htmx:afterSettle", prepares);
  prepares();
  setInterval(ticks, second);
})();
