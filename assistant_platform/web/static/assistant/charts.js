// Draws each element with `data-chart`: {kind, days, series: [{label, tone, values, low, high}], unit}.
// `kind` is lines, stacked or bars; `days` are dates (2026-11-23), `values` numbers or null, `low` and `high` an
// interval around them. `tone` names a colour of the style sheet: --chart-TONE. Every figure stands in a table beside.
"use strict";
(function () {
  if (!window.uPlot) return;
  var HEIGHT = 240;

  function plain(value) {
    return value === null || value === undefined ? "-" : Number(value.toFixed(2)).toLocaleString("en");
  }

  function sums(series) {
    var before = null;
    return series.map(function (one) {
      before = one.values.map(function (value, at) { return (value || 0) + (before ? before[at] : 0); });
      return before;
    });
  }

  function drawn(place) {
    var asked = JSON.parse(place.dataset.chart);
    var unit = asked.unit ? " " + asked.unit : "";
    var days = asked.days.map(function (day) { return Date.parse(day + "T00:00:00Z") / 1000; });
    var isStacked = asked.kind === "stacked";
    var heights = isStacked ? sums(asked.series) : asked.series.map(function (one) { return one.values; });
    var order = asked.series.map(function (_, at) { return at; });
    if (isStacked) order.reverse(); // the tallest first, so that the next is painted over it
    var chart = null;

    // A canvas knows neither variables nor mixtures of colours: an element that has the colour tells what it is.
    var probe = document.createElement("span");
    probe.hidden = true;
    place.append(probe);

    function colour(name) {
      probe.style.color = "var(--chart-" + name + ", currentcolor)";
      return getComputedStyle(probe).color;
    }

    function draw() {
      var line = colour("line");
      var axis = {
        stroke: colour("text"), grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 },
        font: "12px sans-serif",
      };
      var data = [days], series = [{ label: "Day", value: "{YYYY}-{MM}-{DD}" }], bands = [];
      order.forEach(function (at) {
        var one = asked.series[at];
        var tone = colour(one.tone || "main");
        data.push(heights[at]);
        series.push({
          label: one.label,
          stroke: tone,
          fill: isStacked || asked.kind === "bars" ? tone : undefined,
          width: asked.kind === "bars" ? 0 : 2,
          spanGaps: false,
          points: { show: asked.kind === "lines" && days.length < 60, size: 6, fill: tone },
          paths: asked.kind === "bars" ? uPlot.paths.bars({ size: [0.7, 48] }) : undefined,
          value: function (_, __, ___, row) { return row === null ? "-" : plain(one.values[row]) + unit; },
        });
        if (one.low && one.high) {
          [one.high, one.low].forEach(function (edge, isLow) {
            data.push(edge);
            series.push({
              label: one.label + (isLow ? ", at least" : ", at most"), stroke: tone, width: 1, dash: [4, 4],
              points: { show: false }, value: function (_, value) { return plain(value) + unit; },
            });
          });
          bands.push({ series: [data.length - 2, data.length - 1], fill: colour("band") });
        }
      });
      var all = data.slice(1).reduce(function (found, values) { return found.concat(values); }, []);
      var most = Math.max.apply(null, all.map(function (value) { return value || 0; }));
      var first = days[0], last = days[days.length - 1];
      var edge = days.length > 1 ? (asked.kind === "bars" ? (days[1] - first) / 2 : 0) : 43200;
      if (chart) chart.destroy();
      chart = new uPlot(
        {
          width: place.clientWidth, height: HEIGHT,
          tzDate: function (seconds) { return uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"); },
          cursor: { drag: { x: false, y: false } },
          scales: {
            x: { range: function () { return [first - edge, last + edge]; } },
            y: { range: function () { return asked.unit === "%" ? [0, 100] : [0, most > 0 ? most * 1.1 : 1]; } },
          },
          axes: [
            Object.assign({}, axis, { space: 70, values: [[86400, "{MMM} {D}", null, null, null, null, null, null, 1]] }),
            Object.assign({}, axis, {
              size: 64, values: function (_, ticks) { return ticks.map(function (tick) { return plain(tick) + unit; }); },
            }),
          ],
          series: series,
          bands: bands,
        },
        data,
        place
      );
    }

    draw();
    new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
    new ResizeObserver(function () {
      if (chart && place.clientWidth && chart.width !== place.clientWidth) {
        chart.setSize({ width: place.clientWidth, height: HEIGHT });
      }
    }).observe(place);
  }

  document.querySelectorAll("[data-chart]").forEach(drawn);
})();
