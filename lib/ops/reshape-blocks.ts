/** How the axes of a value relate to those of its reshaped self: minimal runs of axes that hold the same elements. */

import type { Dim } from '../graph/graph.js';
import { equalProducts, productOf, symbolsWithout } from './elements.js';
import type { Relation, ValueType } from './operator.js';

export interface Block {
  from: number[];
  to: number[];
}

/** Axes of extent 1 hold no choice of elements and are left out. */
function properAxes(dims: readonly Dim[]): number[] {
  return dims.flatMap((extent, axis) => (extent === 1 ? [] : [axis]));
}

/** Minimal blocks whose products of extents agree, in order. What cannot be matched because of symbols is the last block. */
export function reshapeBlocks(from: readonly Dim[], to: readonly Dim[]): Block[] {
  const waitingFrom = properAxes(from);
  const waitingTo = properAxes(to);
  const blocks: Block[] = [];
  while (waitingFrom.length > 0 || waitingTo.length > 0) {
    const block: Block = { from: waitingFrom.splice(0, 1), to: waitingTo.splice(0, 1) };
    for (;;) {
      const a = productOf(block.from.map((axis) => from[axis] ?? 1));
      const b = productOf(block.to.map((axis) => to[axis] ?? 1));
      if (equalProducts(a, b)) break;
      const lacking = symbolsWithout(b.symbols, a.symbols).length > 0;
      const extendFrom = lacking || (symbolsWithout(a.symbols, b.symbols).length === 0 && a.number < b.number);
      const [side, waiting] = extendFrom ? [block.from, waitingFrom] : [block.to, waitingTo];
      const next = waiting.shift();
      if (next !== undefined) {
        side.push(next);
        continue;
      }
      block.from.push(...waitingFrom.splice(0));
      block.to.push(...waitingTo.splice(0));
      break;
    }
    blocks.push(block);
  }
  return blocks.flatMap((block) => splitTail(block, from, to));
}

/** Trailing axes that hold as many elements are blocks of their own also behind extents that cannot be compared. */
function splitTail(block: Block, from: readonly Dim[], to: readonly Dim[]): Block[] {
  const tail: Block[] = [];
  let left = block;
  for (let last = lastBlock(left, from, to); last; last = lastBlock(left, from, to)) {
    tail.unshift(last);
    left = { from: left.from.slice(0, -last.from.length), to: left.to.slice(0, -last.to.length) };
  }
  return [left, ...tail];
}

/** The fewest trailing axes of both sides with the same product, with some left before them; undefined where there are none. */
function lastBlock(block: Block, from: readonly Dim[], to: readonly Dim[]): Block | undefined {
  let [fromCount, toCount] = [1, 1];
  while (fromCount < block.from.length && toCount < block.to.length) {
    const last = { from: block.from.slice(-fromCount), to: block.to.slice(-toCount) };
    const a = productOf(last.from.map((axis) => from[axis] ?? 1));
    const b = productOf(last.to.map((axis) => to[axis] ?? 1));
    if (equalProducts(a, b)) return last;
    if (a.symbols.length > 0 || b.symbols.length > 0) return undefined;
    if (a.number < b.number) fromCount++;
    else toCount++;
  }
  return undefined;
}

/** The ties of a value that keeps its elements in row-major order under another shape. */
export function tieReshape(fromName: string, from: ValueType, toName: string, to: ValueType): Relation[] {
  return reshapeBlocks(from.dims, to.dims).flatMap((block): Relation[] => {
    const extents = [...block.from.map((axis) => from.dims[axis]), ...block.to.map((axis) => to.dims[axis])];
    const symbolic = extents.some((extent) => typeof extent === 'string');
    const [a, b] = [block.from[0], block.to[0]];
    if (block.from.length === 1 && block.to.length === 1 && a !== undefined && b !== undefined) {
      const length = from.dims[a];
      if (typeof length !== 'number' || symbolic) return [];
      return [
        {
          kind: 'same',
          a: { value: fromName, axis: a, start: 0, length },
          b: { value: toName, axis: b, start: 0, length },
        },
      ];
    }
    if (!symbolic)
      return [{ kind: 'reshape', from: { value: fromName, axes: block.from }, to: { value: toName, axes: block.to } }];
    const heads = headsOf(block, fromName, from, toName, to);
    if (heads) return heads;
    const reason = 'it is reshaped together with an extent known only at run time';
    return [
      ...block.from.map((axis): Relation => ({ kind: 'pin', at: { value: fromName, axis }, reason })),
      ...block.to.map((axis): Relation => ({ kind: 'pin', at: { value: toName, axis }, reason })),
    ];
  });
}

/**
 * Channels cut into equal heads that join the batch, [N, h·d] → [h·N, d], or come back from there: the same elements of
 * every head live and die together. Undefined for any other block.
 */
function headsOf(
  { from: fromAxes, to: toAxes }: Block,
  fromName: string,
  from: ValueType,
  toName: string,
  to: ValueType,
): Relation[] | undefined {
  if (fromAxes.length !== 2 || toAxes.length !== 2) return undefined;
  const [fromLead = 1, fromExtent] = fromAxes.map((axis) => from.dims[axis]);
  const [toLead = 1, toExtent] = toAxes.map((axis) => to.dims[axis]);
  if (typeof fromExtent !== 'number' || typeof toExtent !== 'number') return undefined;
  const [a, b] = [productOf([fromLead]), productOf([toLead])];
  if (a.symbols.join() !== b.symbols.join() || a.number * fromExtent !== b.number * toExtent) return undefined;
  const [fromSpan, toSpan] = [
    { value: fromName, axis: fromAxes[1] ?? 0, length: Math.min(fromExtent, toExtent) },
    { value: toName, axis: toAxes[1] ?? 0, length: Math.min(fromExtent, toExtent) },
  ];
  const whole = Math.max(fromExtent, toExtent);
  if (whole % fromSpan.length !== 0) return undefined;
  return Array.from({ length: whole / fromSpan.length }, (_, head): Relation => {
    const start = head * fromSpan.length;
    return {
      kind: 'same',
      a: { ...fromSpan, start: fromExtent === whole ? start : 0 },
      b: { ...toSpan, start: toExtent === whole ? start : 0 },
    };
  });
}
