/* global uPlot */
// Live charts of one outbox: events written, done and pending.
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  constructor(place) {
    this.place = place;
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    this.plot = new uPlot({
      width: Math.max(200, place.clientWidth || 300),
      height: 120,
      cursor: { y: false },
      scales: { wait: { range: (plot, low, high) => [0, Math.max(10, high || 0)] }, y: { range: (plot, low, high) => [0, Math.max(1, high || 0)] } },
      axes: [
        { ...axis, size: 24, space: 70, values: (plot, splits) => splits.map(clock) },
        { ...axis, size: 44 },
        { ...axis, scale: 'wait', side: 1, size: 52, grid: { show: false } },
      ],
      series: [
        {},
        { label: 'written/s', stroke: colour('--pending'), width: 1.5, points: { show: false }, value: (plot, value) => format(value) },
        { label: 'done/s', stroke: colour('--published'), width: 1.5, points: { show: false }, value: (plot, value) => format(value) },
        { label: 'pending', scale: 'wait', stroke: colour('--attention'), width: 1, dash: [4, 3], points: { show: false }, value: (plot, value) => format(value) },
      ],
    }, [[], [], [], []], place);
  }

  set(samples) {
    if (this.place.clientWidth && this.plot.width !== this.place.clientWidth) this.plot.setSize({ width: this.place.clientWidth, height: 120 });
    this.plot.setData([
      samples.map((sample) => Date.parse(sample.at) / 1000),
      samples.map((sample) => sample.written),
      samples.map((sample) => sample.done),
      samples.map((sample) => sample.pending),
    ]);
  }
}

const format = (value) => (value === null || value === undefined ? '–' : value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1));

const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 8);
