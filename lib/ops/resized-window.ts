/** Windows of another extent in the same places: what changes of a convolution or a pool when its kernel does. */

import type { Dim } from '../graph/graph.js';
import type { ResizedWindow, SlidingWindow } from './operator.js';
import { place, type Window } from './window.js';

interface Resizing {
  window: Window;
  /** Extents of the input behind the channels. */
  spatial: readonly Dim[];
  weight: number | undefined;
}

/**
 * The window of a node that can be resized. Where it grows, taps come in on both sides by turns (those of an even window
 * stand further behind, as TensorFlow's SAME has it), and the padding grows with them, so that each output stays where it
 * was; where it shrinks, the outer ones go.
 */
export function slidingWindow(resizing: Resizing): SlidingWindow | undefined {
  const { window, weight } = resizing;
  const axes = [...window.kernel.keys()];
  const wide = axes.filter((axis) => (window.kernel[axis] ?? 1) > 1);
  const changed = new Set(wide.length > 0 ? wide : axes);
  const extents = new Set([...changed].map((axis) => window.kernel[axis] ?? 1));
  const [extent] = extents;
  if (extent === undefined || extents.size > 1) return undefined;
  return {
    extent,
    weight,
    resized: (wanted) => {
      const sides = axes.map((axis) => sidesAt(resizing, axis, changed.has(axis) ? wanted : undefined));
      if (!sides.every((side) => side !== undefined)) return undefined;
      const fits = weight !== undefined || sides.every(({ begin, end, kernel }) => Math.max(begin, end) < kernel);
      return fits ? described(sides) : undefined;
    },
  };
}

interface Sides {
  kernel: number;
  begin: number;
  end: number;
  taps: [number, number];
}

/** Taps before the middle of a kernel, which for an even one is the earlier of its two. */
function before(kernel: number): number {
  return Math.floor((kernel - 1) / 2);
}

/** @param wanted undefined where the extent stays. */
function sidesAt({ window, spatial, weight }: Resizing, axis: number, wanted: number | undefined): Sides | undefined {
  const extent = spatial[axis];
  const weighted = weight !== undefined;
  const old = window.kernel[axis] ?? 1;
  const kernel = wanted ?? old;
  const dilation = window.dilations[axis] ?? 1;
  const strict = typeof extent === 'number';
  // Without the extent it cannot be told where the outputs of such a window stand.
  if (!strict && (window.autoPad !== 'NOTSET' || !weighted)) return undefined;
  const placement = strict
    ? place(window, axis, extent)
    : { begin: window.padBegin[axis] ?? 0, declaredEnd: window.padEnd[axis] ?? 0, output: 0 };
  const front = before(kernel) - before(old);
  const back = kernel - old - front;
  // Taps of a pool are all alike: where there is no padding left to take away, it may stand half a step aside.
  const least = weighted ? Number.NEGATIVE_INFINITY : 0;
  const begin = Math.max(least, placement.begin + front * dilation);
  const end = Math.max(least, placement.declaredEnd + back * dilation);
  if (begin < 0 || end < 0) return undefined;
  // A window that reaches over the whole input from its first element on has nothing more to see.
  if (strict && kernel > old && (kernel - 1 - before(kernel)) * dilation >= Math.max(2, extent)) return undefined;
  const sides: Sides = { kernel, begin, end, taps: [front, back] };
  return !strict || place(withSide(window, axis, sides), axis, extent).output === placement.output ? sides : undefined;
}

function withSide(window: Window, axis: number, { kernel, begin, end }: Sides): Window {
  const at = (values: readonly number[], value: number) => values.map((old, index) => (index === axis ? value : old));
  return {
    ...window,
    autoPad: 'NOTSET',
    kernel: at(window.kernel, kernel),
    padBegin: at(window.padBegin, begin),
    padEnd: at(window.padEnd, end),
  };
}

function described(sides: readonly Sides[]): ResizedWindow {
  const pads = [...sides.map(({ begin }) => begin), ...sides.map(({ end }) => end)];
  return {
    attributes: {
      kernel_shape: { type: 'ints', value: sides.map(({ kernel }) => kernel) },
      pads: { type: 'ints', value: pads },
    },
    withoutAttributes: ['auto_pad'],
    taps: sides.map(({ taps }) => taps),
  };
}
