// Draws a chart from the table beside it: <figure data-chart="…"> with a <table>, whose first column is the x axis and whose
// other columns are lines. The table is what people read without JavaScript; the chart shows nothing else.
"use strict";
(function () {
  const colours = ["--phase-train", "--phase-challenge", "--phase-attest", "--phase-reveal", "--phase-aggregate", "--phase-final"];

  const observers = new WeakMap(); // by the place of a chart

  function number(cell) {
    const text = cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent;
    return text.trim() === "" ? null : Number(text);
  }

  function style(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function columns(table) {
    const rows = Array.from(table.tBodies[0].rows, (row) => Array.from(row.cells, number));
    return Array.from(table.tHead.rows[0].cells, (_, i) => rows.map((row) => row[i]));
  }

  function draw(figure) {
    const table = figure.querySelector("table:not(.u-legend)"); // uPlot has one of its own
    const data = columns(table);
    const key = JSON.stringify(data);
    const place = figure.querySelector(".chart");
    if (place.dataset.drawn === key || data[0].length < 2) return;
    place.dataset.drawn = key;
    const before = Array.from(place.children);
    const heads = Array.from(table.tHead.rows[0].cells);
    const isTime = figure.dataset.chart === "time";
    const axis = { stroke: style("--soft"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line"), width: 1 } };
    const scaleOf = (head) => head.dataset.scale || "y";
    const series = heads.slice(1).map((head, i) => ({
      label: head.textContent.trim(),
      stroke: style(head.dataset.colour || colours[i % colours.length]),
      width: 2,
      scale: scaleOf(head),
      points: { show: data[0].length < 60 },
      spanGaps: true,
      value: (_, value) => (value === null ? "" : String(value)),
      paths: figure.dataset.steps === undefined ? undefined : uPlot.paths.stepped({ align: 1 }),
    }));
    const scales = Array.from(new Set(heads.slice(1).map(scaleOf)));
    const chart = new uPlot({
      width: place.clientWidth || 600,
      height: 240,
      series: [{ label: heads[0].textContent.trim(), value: (_, v) => (v === null ? "" : isTime ? new Date(v * 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC" : String(v)) }, ...series],
      scales: { x: { time: isTime } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      axes: [
        { ...axis, ...(isTime ? {} : { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }) },
        ...scales.map((scale, i) => ({ ...axis, scale, size: 64, side: i === 0 ? 3 : 1, grid: i === 0 ? axis.grid : { show: false } })),
      ],
    }, data, place);
    before.forEach((part) => part.remove()); // now, and not sooner: the page must not become shorter, or it jumps
    const observer = new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: 240 }));
    observers.get(place)?.disconnect();
    observers.set(place, observer);
    observer.observe(place);
  }

  function drawAll() {
    document.querySelectorAll("figure[data-chart]").forEach(draw);
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    document.querySelectorAll("figure[data-chart] .chart").forEach((place) => delete place.dataset.drawn);
    drawAll();
  });
  document.addEventListener("htmx:afterSettle", drawAll);
  drawAll();
})();
