/** What a benchmark case is made of. */

/** One measurement of one side, in a process of its own. */
export interface Measured {
  /** In the comparison's unit. */
  value: number;
  /** Largest resident memory of the process while it was measured; inputs are part of it. */
  peakBytes: number | null;
}

/** A program that prints a `Measured` as JSON; null where it cannot run here. */
export type Program = readonly string[] | null;

export interface Comparison {
  name: string;
  unit: string;
  better: 'lower' | 'higher';
  rivalName: string;
  /** Prepares, outside of timing, and gives the measurement, which returns the value. */
  ours: () => Promise<() => Promise<number>>;
  rival: { program: () => Program } | { run: Comparison['ours'] };
}

/** A script of `bench/python` under the Python that `BENCH_PYTHON` names. */
export function python(script: string, ...args: string[]): { program: () => Program } {
  const interpreter = process.env.BENCH_PYTHON;
  return { program: () => (interpreter ? [interpreter, `bench/python/${script}`, ...args] : null) };
}

/** Milliseconds that something takes. */
export async function milliseconds(run: () => unknown): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/** The median of repeated measurements after one that is not counted. */
export async function median(times: number, measure: () => Promise<number>): Promise<number> {
  await measure();
  const values: number[] = [];
  for (let time = 0; time < times; time++) values.push(await measure());
  return values.sort((a, b) => a - b)[Math.floor(times / 2)] ?? Number.NaN;
}
