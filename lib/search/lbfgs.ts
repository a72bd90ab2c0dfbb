/**
 * L-BFGS within bounds: the two-loop recursion (Nocedal and Wright, "Numerical Optimization", algorithm 7.4) on the
 * coordinates that are not held at a bound, with a backtracking search along the projected path (Bertsekas 1982).
 */

export interface Evaluation {
  value: number;
  gradient: Float64Array;
}

export interface Bounds {
  lower: ArrayLike<number>;
  upper: ArrayLike<number>;
}

export interface MinimizeOptions extends Bounds {
  maxEvaluations: number;
  /** Ends when the projected gradient, or the gain of a step relative to the value, is smaller. */
  tolerance?: number;
}

const MEMORY = 8;
const SUFFICIENT = 1e-4;

/** Minimises `f` from `start`; a value that is not finite counts as infinitely bad. @returns the best point it met. */
export function minimize(
  f: (x: Float64Array) => Evaluation,
  start: ArrayLike<number>,
  { lower, upper, maxEvaluations, tolerance = 1e-6 }: MinimizeOptions,
): { x: Float64Array; value: number } {
  const project = (x: Float64Array) =>
    x.map((value, index) => Math.min(upper[index] ?? value, Math.max(lower[index] ?? value, value)));
  let x: Float64Array = project(Float64Array.from(start));
  let at = f(x);
  let evaluations = 1;
  let steps: { s: Float64Array; y: Float64Array }[] = [];

  while (evaluations < maxEvaluations && Number.isFinite(at.value)) {
    const free = x.map((value, index) => {
      const slope = at.gradient[index] ?? 0;
      return (value <= (lower[index] ?? -Infinity) && slope > 0) || (value >= (upper[index] ?? Infinity) && slope < 0)
        ? 0
        : 1;
    });
    const gradient = at.gradient.map((slope, index) => slope * (free[index] ?? 0));
    if (Math.max(...gradient.map(Math.abs)) < tolerance) break;
    let direction = descent(gradient, free, steps);
    if (dot(direction, gradient) >= 0) {
      steps = [];
      direction = descent(gradient, free, steps);
    }
    let length = 1;
    let next: { x: Float64Array; at: Evaluation } | undefined;
    while (evaluations < maxEvaluations) {
      const candidate = project(x.map((value, index) => value + length * (direction[index] ?? 0)));
      const there = f(candidate);
      evaluations++;
      const expected = dot(
        gradient,
        candidate.map((value, index) => value - (x[index] ?? 0)),
      );
      if (there.value <= at.value + SUFFICIENT * expected) {
        next = { x: candidate, at: there };
        break;
      }
      length /= 4;
      if (length < 1e-10) break;
    }
    if (!next) break;
    const s = next.x.map((value, index) => value - (x[index] ?? 0));
    const y = next.at.gradient.map((slope, index) => slope - (at.gradient[index] ?? 0));
    if (dot(s, y) > 1e-12 * dot(y, y)) steps = [...steps.slice(1 - MEMORY), { s, y }];
    const gain = at.value - next.at.value;
    const small = gain <= tolerance * 1e-3 * Math.max(1, Math.abs(at.value));
    x = next.x;
    at = next.at;
    if (small) break;
  }
  return { x, value: at.value };
}

/** −H·gradient on the free coordinates, H from the remembered steps. */
function descent(
  gradient: Float64Array,
  free: Float64Array,
  steps: readonly { s: Float64Array; y: Float64Array }[],
): Float64Array {
  const masked = steps
    .map(({ s, y }) => ({ s: times(s, free), y: times(y, free) }))
    .filter(({ s, y }) => dot(s, y) > 0);
  const direction = gradient.map((slope) => -slope);
  const last = masked.at(-1);
  if (!last) {
    const size = Math.sqrt(dot(gradient, gradient));
    return direction.map((slope) => slope / Math.max(1, size));
  }
  const alphas: number[] = [];
  for (const { s, y } of masked.toReversed()) {
    const alpha = dot(s, direction) / dot(s, y);
    alphas.push(alpha);
    add(direction, y, -alpha);
  }
  const scale = dot(last.s, last.y) / dot(last.y, last.y);
  for (let index = 0; index < direction.length; index++) direction[index] = (direction[index] ?? 0) * scale;
  for (const { s, y } of masked) add(direction, s, (alphas.pop() ?? 0) - dot(y, direction) / dot(s, y));
  return direction;
}

function times(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value * (b[index] ?? 0));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

function add(to: Float64Array, what: Float64Array, factor: number): void {
  for (let index = 0; index < to.length; index++) to[index] = (to[index] ?? 0) + factor * (what[index] ?? 0);
}
