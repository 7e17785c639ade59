// Draws the overview's charts with uPlot, from the numbers that stand beside each; the same numbers are below as a table.
(() => {
  "use strict";
  const all = (selector) => [...document.querySelectorAll(selector)];
  const charts = new Map();
  const inkOf = (name) => {
    const probe = document.createElement("span");
    probe.className = "ink-" + name;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };

  const short = (value) => {
    const step = ["", "k", "M", "G", "T"].findIndex((_, at) => value < 1000 ** (at + 1));
    return String(Math.round((value / 1000 ** Math.max(0, step)) * 10) / 10) + ["", "k", "M", "G", "T"][Math.max(0, step)];
  };

  const utc = (at) => new Date(at * 1000).toISOString().replace("T", " ");

  function drawCharts() {
    if (!window.uPlot) return;
    for (const node of all("[data-chart]")) {
      const seen = charts.get(node);
      const data = JSON.parse(node.dataset.chart);
      const series = [data.at, ...data.values];
      if (seen) seen.setData(series);
      else if (node.clientWidth) charts.set(node, new window.uPlot(options(node, data), series, node));
    }
  }

  function options(node, data) {
    const quiet = inkOf("quiet");
    const axis = { stroke: quiet, font: "11px system-ui, sans-serif", grid: { stroke: inkOf("line"), width: 1 }, ticks: { show: false } };
    const values = (_, list) => list.map(short);
    const apart = data.kind === "traffic"; // bytes have a scale of their own
    const line = (name, at) => ({
      label: name,
      stroke: inkOf(at ? "second" : "first"),
      width: 2,
      dash: at ? [5, 4] : [],
      scale: apart && at ? "b" : "y",
      points: { show: false },
    });
    const second = { ...axis, scale: "b", side: 1, grid: { show: false }, values, size: 44 };
    return {
      width: node.clientWidth,
      tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      height: 190,
      cursor: { y: false, drag: { x: false, y: false } },
      legend: { live: true },
      scales: { y: { range: (_, low, high) => [0, Math.max(4, high * 1.1)] }, b: { range: (_, low, high) => [0, Math.max(1024, high * 1.1)] } },
      axes: [{ ...axis, size: 30, values: (_, list) => list.map((at) => utc(at).slice(11, 16)) }, { ...axis, values, size: 44 }, ...(apart ? [second] : [])],
      series: [{ label: "time", value: (_, at) => (at === null ? "" : utc(at).slice(0, 16) + " UTC") }, ...data.names.map(line)],
    };
  }

  function redraw() {
    charts.forEach((chart) => chart.destroy());
    charts.clear();
    drawCharts();
  }

  let resized = 0;
  addEventListener("resize", () => (clearTimeout(resized), (resized = setTimeout(redraw, 150))));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.addEventListener("renewed", drawCharts);
  drawCharts();
})();
