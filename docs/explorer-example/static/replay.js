// Replay: whatever happened at a time carries data-at (seconds); the slider hides what is later than where it stands.
// A page that can be replayed has <form class="replay" data-from data-to> with a range input and an output.
"use strict";
(function () {
  const STEPS = 1000;
  const playing = { timer: null };

  function timeOf(form) {
    const from = Number(form.dataset.from), to = Number(form.dataset.to);
    return from + ((to - from) * Number(form.elements.at.value)) / STEPS;
  }

  function show(form) {
    const isAtEnd = Number(form.elements.at.value) >= STEPS;
    const time = timeOf(form);
    for (const thing of document.querySelectorAll("[data-at]")) {
      thing.classList.toggle("future", !isAtEnd && Number(thing.dataset.at) > time);
    }
    for (const cursor of document.querySelectorAll("[data-cursor]")) {
      const share = (time - Number(cursor.dataset.from)) / (Number(cursor.dataset.to) - Number(cursor.dataset.from));
      cursor.setAttribute("transform", "translate(" + share * Number(cursor.dataset.width) + " 0)");
      cursor.style.display = isAtEnd || share < 0 || share > 1 ? "none" : "inline"; // the style sheet hides it
    }
    const text = isAtEnd ? "everything so far" : new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC";
    form.elements.at.setAttribute("aria-valuetext", text);
    form.querySelector("output").textContent = text;
  }

  function stop(form) {
    clearInterval(playing.timer);
    playing.timer = null;
    form.querySelector("button").textContent = "Play";
  }

  function play(form) {
    if (playing.timer) return stop(form);
    const slider = form.elements.at;
    if (Number(slider.value) >= STEPS) slider.value = 0;
    form.querySelector("button").textContent = "Pause";
    playing.timer = setInterval(() => {
      slider.value = Number(slider.value) + STEPS / 200;
      show(form);
      if (Number(slider.value) >= STEPS) stop(form);
    }, 50);
  }

  function prepare() {
    const form = document.querySelector("form.replay");
    if (!form) return;
    if (form.dataset.ready) return show(form);
    form.dataset.ready = "yes";
    form.addEventListener("submit", (event) => event.preventDefault());
    form.elements.at.addEventListener("input", () => show(form));
    form.querySelector("button").addEventListener("click", () => play(form));
  }

  document.addEventListener("htmx:afterSettle", prepare);
  prepare();
})();
