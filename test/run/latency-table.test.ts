import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import type { Graph } from '../../lib/graph/graph.js';
import { predictedLatency } from '../../lib/prune/latency-model.js';
import { latencyTable } from '../../lib/run/latency-table.js';
import { openStopwatch, type Stopwatch } from '../../lib/validate/stopwatch.js';
import { FAMILIES } from '../models/families.js';

const cache = mkdtempSync(join(tmpdir(), 'tascnet-latency-test-'));
process.env.TASCNET_CACHE = cache;
afterAll(() => rmSync(cache, { recursive: true }));

const HOOKS = { onEvent: () => {} };

function network(): Graph {
  const graph = FAMILIES.squeezenet?.({ width: 0.125, size: 32, classes: 5 });
  if (!graph) throw new Error('SqueezeNet is missing.');
  return graph;
}

/** A machine on which a thousand MACs take a millisecond, and everything else two. */
function pretended(): Stopwatch & { calls: number } {
  return {
    calls: 0,
    async medians(graphs) {
      this.calls++;
      return graphs.map((graph) => 2 + costOf(graph).macs / 1000);
    },
    close: async () => {},
  };
}

test('gains follow from the times, rates from the gains; measured once', async () => {
  const graph = network();
  const whole = costOf(graph);
  const stopwatch = pretended();
  const table = await latencyTable(graph, stopwatch, { batch: 1 }, HOOKS);
  expect(table.milliseconds).toBeCloseTo(2 + whole.macs / 1000, 6);
  expect(table.groups.length).toBe(stopwatch.calls);
  for (const { channels, left, gain } of table.groups) {
    expect(left).toBe(Math.ceil(channels / 2));
    expect(gain).toBeGreaterThan(0);
  }
  const predicted = predictedLatency(whole, new Map(Object.entries(table.rates)));
  expect(predicted / (whole.macs / 1000)).toBeCloseTo(1, 1);
  const again = pretended();
  expect(await latencyTable(graph, again, { batch: 1 }, HOOKS)).toEqual(table);
  expect(again.calls).toBe(0);
  await latencyTable(graph, again, { batch: 32 }, HOOKS);
  expect(again.calls).toBeGreaterThan(0);
});

test('graphs are timed side by side in ONNX Runtime', async () => {
  const stopwatch = await openStopwatch({ batch: 2, threads: 1 });
  try {
    const graph = network();
    const larger = FAMILIES.squeezenet?.({ width: 0.5, size: 96, classes: 5 }) ?? graph;
    const [small = 0, large = 0] = await stopwatch.medians([graph, larger], 10);
    expect(small).toBeGreaterThan(0);
    expect(large).toBeGreaterThan(small);
    expect(await stopwatch.medians([larger], 3)).toHaveLength(1);
  } finally {
    await stopwatch.close();
  }
});
