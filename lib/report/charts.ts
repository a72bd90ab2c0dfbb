/** The report's pictures, drawn by ECharts on the server as SVG: the page needs no script and opens offline. */

import * as echarts from 'echarts';

const WIDTH = 860;
const HEIGHT = 320;
const COLOURS = ['#4269d0', '#efb118', '#3ca951', '#ff725c', '#a463f2', '#97bbf5', '#9c6b4e'];

function draw(option: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption({ animation: false, color: COLOURS, textStyle: { fontFamily: 'system-ui, sans-serif' }, ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

const GRID = { left: 60, right: 30, top: 40, bottom: 50 };
const percent = { formatter: (value: number) => `${Number((value * 100).toFixed(1))} %` };

/** Validation accuracy over the epochs of all trainings, one line a training. */
export function accuracyChart(parts: { name: string; accuracies: number[] }[]): string {
  let start = 0;
  const series = parts.map(({ name, accuracies }) => {
    const data = accuracies.map((accuracy, epoch) => [start + epoch + 1, accuracy]);
    start += accuracies.length;
    return { name, type: 'line', data, showSymbol: accuracies.length < 40 };
  });
  return draw({
    grid: GRID,
    legend: { top: 0, itemGap: 24 },
    xAxis: {
      type: 'value',
      name: 'epoch',
      nameLocation: 'middle',
      nameGap: 28,
      min: 1,
      max: Math.max(2, start),
      minInterval: 1,
    },
    yAxis: { type: 'value', scale: true, axisLabel: percent },
    series,
  });
}

/** Accuracy against MACs of the search's trials; the Pareto front is a line. */
export function trialChart(trials: { macs: number; accuracy: number; best: boolean }[]): string {
  const point = ({ macs, accuracy }: { macs: number; accuracy: number }) => [macs / 1e6, accuracy];
  const byCost = [...trials].sort((a, b) => a.macs - b.macs);
  let highest = Number.NEGATIVE_INFINITY;
  const front = byCost.filter(({ accuracy }) => {
    if (accuracy <= highest) return false;
    highest = accuracy;
    return true;
  });
  return draw({
    grid: GRID,
    legend: { top: 0, itemGap: 24 },
    xAxis: { type: 'value', name: 'million MACs', nameLocation: 'middle', nameGap: 28, scale: true },
    yAxis: { type: 'value', scale: true, axisLabel: percent },
    series: [
      { name: 'trial', type: 'scatter', data: trials.filter((trial) => !trial.best).map(point) },
      { name: 'chosen', type: 'scatter', symbolSize: 16, data: trials.filter((trial) => trial.best).map(point) },
      { name: 'Pareto front', type: 'line', showSymbol: false, step: 'end', data: front.map(point) },
    ],
  });
}

/** What is left of each figure after each stage, the baseline being 100 %. */
export function leftChart(figures: string[], stages: { name: string; left: number[] }[]): string {
  return draw({
    grid: GRID,
    legend: { top: 0, itemGap: 24 },
    xAxis: { type: 'category', data: figures },
    yAxis: { type: 'value', axisLabel: percent },
    series: stages.map(({ name, left }) => ({
      name,
      type: 'bar',
      data: left,
      label: {
        show: true,
        position: 'top',
        formatter: ({ value }: { value: number }) => `${Math.round(value * 100)} %`,
      },
    })),
  });
}
