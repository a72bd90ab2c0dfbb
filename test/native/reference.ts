/** What the addon computes, the plain way, in double. Shapes and meanings are those of `tascnet/native`. */

import type { AxisCut, CostKind, Cut, ImageFormat, NativeCostTerm, NormKind } from '../../lib/native.js';
import { channelsOf, product } from './random.js';

const NORMS: Record<NormKind, (values: number[]) => number> = {
  l1: (values) => values.reduce((sum, v) => sum + Math.abs(v), 0),
  sumSquares: (values) => values.reduce((sum, v) => sum + v * v, 0),
  l2: (values) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0)),
  linf: (values) => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0),
};
export const NORM_KINDS = Object.keys(NORMS) as NormKind[];

export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, i) => sum + v * (b[i] ?? Number.NaN), 0);

export function normsOf(tensor: ArrayLike<number>, dims: readonly number[], axis: number, kind: NormKind): number[] {
  return channelsOf(tensor, dims, axis).map(NORMS[kind]);
}

export function taylorOf(
  weight: ArrayLike<number>,
  gradient: ArrayLike<number>,
  dims: readonly number[],
  axis: number,
) {
  const [w, g] = [channelsOf(weight, dims, axis), channelsOf(gradient, dims, axis)];
  const signed = w.map((values, c) => dot(values, g[c] ?? []));
  return { signed, absolute: signed.map(Math.abs), squared: signed.map((s) => s * s) };
}

/** The squares over the sums of those that are at least as large; of equal ones that of larger index is the larger. */
export function lampOf(tensor: ArrayLike<number>, dims: readonly number[], axis: number): number[] {
  const squares = normsOf(tensor, dims, axis, 'sumSquares');
  const atLeast = (a: number, i: number, b: number, j: number) => b > a || (b === a && j >= i);
  return squares.map((a, i) => {
    const sum = squares.reduce((total, b, j) => (atLeast(a, i, b, j) ? total + b : total), 0);
    return a === 0 && sum === 0 ? 0 : a / sum;
  });
}

export function medianOf(tensor: ArrayLike<number>, dims: readonly number[], axis: number): number[] {
  const channels = channelsOf(tensor, dims, axis);
  const distance = (a: number[], b: number[]) => Math.sqrt(a.reduce((sum, v, i) => sum + (v - (b[i] ?? 0)) ** 2, 0));
  return channels.map((a) => channels.reduce((sum, b) => sum + distance(a, b), 0));
}

/** n × n products of every two channels. */
export function gramOf(channels: readonly number[][]): number[] {
  return channels.flatMap((a) => channels.map((b) => dot(a, b)));
}

/** n × n cosines; 0 with a channel that is zero. */
export function cosineOf(gram: ArrayLike<number>, n: number): number[] {
  return Array.from({ length: n * n }, (_, e) => {
    const [i, j] = [Math.floor(e / n), e % n];
    const squares = (gram[i * n + i] ?? 0) * (gram[j * n + j] ?? 0);
    return squares === 0 ? 0 : (gram[e] ?? 0) / Math.sqrt(squares);
  });
}

/** Whether these are the k most similar pairs, most similar first, up to rounding. */
export function areTopPairs(
  found: { first: ArrayLike<number>; second: ArrayLike<number>; similarity: ArrayLike<number> },
  cosines: ArrayLike<number>,
  n: number,
  k: number,
  tolerance = 1e-9,
): boolean {
  const count = Math.min(k, (n * (n - 1)) / 2);
  if (found.first.length !== count || found.second.length !== count || found.similarity.length !== count) return false;
  const left = new Map<number, number>();
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) left.set(i * n + j, cosines[i * n + j] ?? Number.NaN);
  let last = 1;
  for (let p = 0; p < count; p++) {
    const [pair, similarity] = [(found.first[p] ?? 0) * n + (found.second[p] ?? 0), found.similarity[p] ?? Number.NaN];
    const expected = left.get(pair);
    if (expected === undefined || !(Math.abs(similarity - expected) <= tolerance) || !(similarity <= last))
      return false;
    left.delete(pair);
    last = similarity;
  }
  return count === 0 || [...left.values()].every((value) => value <= last + tolerance);
}

/** Along one axis: the kept slices, with the merged ones added. */
function cutAxis(values: number[], dims: readonly number[], { axis, keep, merge = [] }: AxisCut): number[] {
  const inner = product(dims.slice(axis + 1));
  const extent = dims[axis] ?? 0;
  const out: number[] = [];
  for (let outer = 0; outer < product(dims.slice(0, axis)); outer++) {
    for (const index of keep) {
      for (let i = 0; i < inner; i++) {
        const at = (slice: number) => values[(outer * extent + slice) * inner + i] ?? Number.NaN;
        out.push(merge.reduce((sum, [from, into]) => (into === index ? sum + at(from) : sum), at(index)));
      }
    }
  }
  return out;
}

export function surgeryOf({ data, dims, axes }: Cut): number[] {
  let values = Array.from(data, Number);
  let now: readonly number[] = dims;
  for (const axis of axes) {
    values = cutAxis(values, now, axis);
    now = now.with(axis.axis, axis.keep.length);
  }
  return values;
}

/** One number per kind. */
export function costOf(
  kinds: readonly CostKind[],
  terms: readonly NativeCostTerm[],
  configuration: ArrayLike<number>,
): number[] {
  const value = (term: NativeCostTerm) =>
    term.factors
      .map((form) =>
        (form.channels ?? []).reduce((sum, [g, m]) => sum + m * (configuration[g] ?? 0), form.constant ?? 0),
      )
      .reduce((a, b) => a * b, term.coefficient);
  return kinds.map(({ name, reduce }) => {
    const own = terms.filter((term) => term.kind === name);
    if (reduce === 'sum') return own.reduce((sum, term) => sum + value(term), 0);
    const steps = new Map<unknown, number>();
    for (const term of own) {
      const key = term.step ?? term;
      steps.set(key, (steps.get(key) ?? 0) + value(term));
    }
    return steps.size === 0 ? 0 : Math.max(...steps.values());
  });
}

/** Gauss–Jordan with pivoting on XᵀX + ridge · I; inputs × outputs. */
export function ridgeOf(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  n: number,
  m: number,
  ridge: number,
  prior?: ArrayLike<number>,
): number[] {
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n + m }, (_, j) => (j === i ? ridge : j >= n ? ridge * (prior?.[i * m + j - n] ?? 0) : 0)),
  );
  for (let s = 0; s < x.length / n; s++) {
    for (const [i, row] of rows.entries()) {
      const xi = x[s * n + i] ?? 0;
      for (let j = 0; j < n; j++) row[j] = (row[j] ?? 0) + xi * (x[s * n + j] ?? 0);
      for (let j = 0; j < m; j++) row[n + j] = (row[n + j] ?? 0) + xi * (y[s * m + j] ?? 0);
    }
  }
  for (let i = 0; i < n; i++) {
    const best = rows.slice(i).reduce((a, b) => (Math.abs(b[i] ?? 0) > Math.abs(a[i] ?? 0) ? b : a));
    const at = rows.indexOf(best);
    [rows[i], rows[at]] = [best, rows[i] ?? best];
    for (const [r, row] of rows.entries()) {
      const factor = (row[i] ?? 0) / (best[i] ?? 1);
      if (r !== i) for (let j = i; j < n + m; j++) row[j] = (row[j] ?? 0) - factor * (best[j] ?? 0);
    }
  }
  return rows.flatMap((row, i) => row.slice(n).map((v) => v / (row[i] ?? 1)));
}

export interface Normalization {
  scale: ArrayLike<number>;
  shift: ArrayLike<number>;
  mean: ArrayLike<number>;
  variance: ArrayLike<number>;
  epsilon: number;
}

/** factor and offset of every channel: y = factor · x + offset. */
export function affineOf({ scale, shift, mean, variance, epsilon }: Normalization): [number, number][] {
  return Array.from({ length: scale.length }, (_, c) => {
    const factor = (scale[c] ?? 0) / Math.sqrt((variance[c] ?? 0) + epsilon);
    return [factor, (shift[c] ?? 0) - factor * (mean[c] ?? 0)];
  });
}

/** One image as a network takes it: `change` is top, left, height, width, flip, own, grey, offset. */
export function pictureOf(pixels: Uint8Array, format: ImageFormat, change?: ArrayLike<number>): number[] {
  const { height, width, channels, layout, multiply, add } = format;
  const [top = 0, left = 0, high = height, wide = width, flip = 0, own = 1, grey = 0, offset = 0] = change
    ? Array.from(change)
    : [];
  const limit = (at: number, extent: number) => Math.min(Math.max(at, 0), extent - 1);
  const pixel = (y: number, x: number, colour: number) =>
    pixels[3 * (limit(y, height) * width + limit(x, width)) + colour] ?? 0;
  const sampled = (y: number, x: number, colour: number) => {
    const [row, column] = [Math.floor(y), Math.floor(x)];
    const along = (at: number) =>
      pixel(at, column, colour) * (1 - x + column) + pixel(at, column + 1, colour) * (x - column);
    return along(row) * (1 - y + row) + along(row + 1) * (y - row);
  };
  const luma = (colours: readonly number[]) =>
    0.299 * (colours[0] ?? 0) + 0.587 * (colours[1] ?? 0) + 0.114 * (colours[2] ?? 0);
  const scaled = Array.from({ length: height * width }, (_, at) => {
    const [y, x] = [Math.floor(at / width), at % width];
    const column = flip === 1 ? width - 1 - x : x;
    const place = [top + ((y + 0.5) * high) / height - 0.5, left + ((column + 0.5) * wide) / width - 0.5] as const;
    return [0, 1, 2].map((colour) => sampled(...place, colour));
  });
  const mean = scaled.reduce((sum, colours) => sum + luma(colours), 0) / scaled.length;
  const changed = (value: number, colours: readonly number[]) =>
    Math.min(Math.max(own * value + grey * luma(colours) + offset * mean, 0), 255);
  const order = { RGB: [0, 1, 2], BGR: [2, 1, 0], L: [-1] }[channels];
  const written = scaled.map((colours) =>
    order.map((source, c) => {
      const value = changed(source < 0 ? luma(colours) : (colours[source] ?? 0), colours);
      return value * (multiply[c] ?? 0) + (add[c] ?? 0);
    }),
  );
  return layout === 'NHWC' ? written.flat() : order.flatMap((_, c) => written.map((values) => values[c] ?? 0));
}
