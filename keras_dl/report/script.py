"""The pages' own script: charts by BokehJS, log scales, and the slider over epochs."""

SCRIPT = """
"use strict";
(function () {
  const palette = ["#2f81f7", "#d9730d", "#2da44e", "#bf3989", "#8250df", "#9a6700", "#1b7c83", "#cf222e"];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const charts = JSON.parse(document.getElementById("curve-data").textContent);

  function placeLegend(plot, count) { // above the plot, where it covers no curve
    const legends = plot.center.filter((part) => part instanceof Bokeh.Legend);
    plot.center = plot.center.filter((part) => !legends.includes(part));
    legends.forEach((legend) => { plot.add_layout(legend, "above"); });
    plot.legend.orientation = "horizontal";
    plot.legend.ncols = 2;
    plot.legend.spacing = 12;
    plot.legend.border_line_color = null;
    plot.height += 24 * Math.ceil(count / 2);
  }

  function draw(place, chart, logarithmic) {
    const plot = Bokeh.Plotting.figure({
      height: 300, sizing_mode: "stretch_width", tools: "pan,box_zoom,wheel_zoom,save,reset",
      x_axis_label: chart.x_label || "epoch", y_axis_label: chart.unit, y_axis_type: logarithmic ? "log" : "linear",
      background_fill_color: colour("--panel"), border_fill_color: colour("--panel"),
      outline_line_color: colour("--line"),
    });
    const tips = [];
    chart.series.forEach((series) => {
      const y = series.y.map((value) => (value === null || (logarithmic && value <= 0) ? NaN : value));
      const source = new Bokeh.ColumnDataSource({ data: { x: series.x, y: y } });
      const look = { source: source, line_color: palette[series.colour % palette.length], line_width: 2,
                     line_dash: series.dashed ? "dashed" : "solid", legend_label: series.name };
      const line = plot.line({ field: "x" }, { field: "y" }, look);
      plot.scatter({ field: "x" }, { field: "y" },
                   { source: source, size: 4, color: palette[series.colour % palette.length] });
      tips.push(new Bokeh.HoverTool({ renderers: [line], mode: "vline",
                tooltips: [[series.name, "@y{0.[000000]}"], [chart.x_label || "epoch", "@x"]] }));
    });
    (chart.phases || []).forEach(([place, number]) => {
      const begins = { location: place, dimension: "height", line_dash: "dotted", line_color: colour("--faint") };
      plot.add_layout(new Bokeh.Span(begins));
      const words = { text: String(number), text_font_size: "10px", text_color: colour("--faint") };
      plot.add_layout(new Bokeh.Label({ x: place, y: 0, y_units: "screen", x_offset: 2, y_offset: 3, ...words }));
    });
    tips.forEach((tip) => plot.add_tools(tip));
    plot.toolbar.logo = null;
    if (window.matchMedia("(pointer: coarse)").matches) { plot.toolbar.active_drag = null; } // a finger scrolls
    plot.xaxes.concat(plot.yaxes).forEach((axis) => {
      axis.axis_label_text_color = axis.major_label_text_color = colour("--ink");
      axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = colour("--faint");
    });
    plot.xgrids.concat(plot.ygrids).forEach((grid) => { grid.grid_line_color = colour("--line"); });
    const legend = plot.legend;
    legend.click_policy = "hide";
    legend.background_fill_color = colour("--panel");
    legend.background_fill_alpha = 0.8;
    legend.label_text_color = colour("--ink");
    placeLegend(plot, chart.series.length);
    if (!chart.x_label) { // no tick between two epochs
      const ticker = new Bokeh.BasicTicker({ min_interval: 1, num_minor_ticks: 0 });
      plot.xaxes.concat(plot.xgrids).forEach((part) => { part.ticker = ticker; });
    }
    place.replaceChildren();
    Bokeh.Plotting.show(plot, place);
  }

  function drawAll() {
    document.querySelectorAll(".chart").forEach((place) => {
      const box = document.getElementById(place.id + "-log");
      draw(place, charts[Number(place.dataset.chart)], box.checked);
    });
  }

  if (typeof Bokeh !== "undefined") {
    document.querySelectorAll("[data-log]").forEach((box) => {
      const place = document.getElementById(box.dataset.log);
      box.addEventListener("change", () => draw(place, charts[Number(place.dataset.chart)], box.checked));
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
    drawAll();
  }

  document.querySelectorAll("[data-film]").forEach((slider) => {
    const frames = document.querySelectorAll("#" + slider.dataset.film + " figure");
    const show = () => {
      frames.forEach((frame, number) => { frame.hidden = number !== Number(slider.value); });
      slider.setAttribute("aria-valuetext", frames[Number(slider.value)].dataset.title);
    };
    slider.parentElement.hidden = false;
    slider.addEventListener("input", show);
    show();
  });
})();
"""
