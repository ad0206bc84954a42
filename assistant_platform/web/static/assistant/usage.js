// Draws what was spent on each day; the table below the chart has the same figures.
"use strict";
(function () {
  var place = document.getElementById("usage-chart");
  if (!place || !window.uPlot) return;
  var days = JSON.parse(place.dataset.days);
  var DAY = 86400;
  var data = [
    days.map(function (day) { return Date.parse(day[0] + "T00:00:00Z") / 1000; }),
    days.map(function (day) { return day[1]; }),
  ];
  var chart = null;

  function money(value) {
    if (value === null || value === undefined) return "";
    return "US$ " + value.toFixed(value && value < 1 ? 4 : 2);
  }

  function plain(value) {
    return String(Number(value.toFixed(4)));
  }

  function draw() {
    // As the style sheet has resolved them for the theme: a canvas knows no variables.
    var style = getComputedStyle(place);
    var text = style.color;
    var line = style.borderTopColor;
    var bar = style.outlineColor;
    var axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px sans-serif" };
    if (chart) chart.destroy();
    chart = new uPlot(
      {
        width: place.clientWidth,
        height: 220,
        tzDate: function (seconds) { return uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"); },
        cursor: { drag: { x: false, y: false } },
        scales: {
          x: { range: function () { return [data[0][0] - DAY / 2, data[0][data[0].length - 1] + DAY / 2]; } },
          y: { range: function (_, __, most) { return [0, most > 0 ? most * 1.1 : 1]; } },
        },
        axes: [
          Object.assign({}, axis, { space: 70, values: [[DAY, "{MMM} {D}", null, null, null, null, null, null, 1]] }),
          Object.assign({}, axis, { size: 60, values: function (_, ticks) { return ticks.map(plain); } }),
        ],
        series: [
          { label: "Day", value: "{YYYY}-{MM}-{DD}" },
          {
            label: "Spent",
            stroke: bar,
            fill: bar,
            width: 0,
            points: { show: false },
            paths: uPlot.paths.bars({ size: [0.7, 48] }),
            value: function (_, value) { return money(value); },
          },
        ],
      },
      data,
      place
    );
  }

  draw();
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  new ResizeObserver(function () {
    if (chart && place.clientWidth) chart.setSize({ width: place.clientWidth, height: 220 });
  }).observe(place);
})();
