/**
 * Shape arithmetic on known elements. Symbols pass through where an operation leaves them as they are (times 1, plus 0)
 * and give a new symbol otherwise.
 */

import type { Dim } from '../graph/graph.js';
import { type DataType, sizeOf } from '../graph/tensor.js';
import { elementsAs, isConcrete } from './broadcast.js';
import {
  type InferContext,
  MAX_KNOWN_ELEMENTS,
  mismatch,
  type RunContext,
  required,
  type ValueType,
} from './operator.js';

/** The elements of an input that must be known as numbers here, such as axes; undefined when it is left out or unknown. */
export function knownNumbers(type: ValueType | undefined): number[] | undefined {
  const elements = type?.elements;
  return elements?.every((element) => typeof element === 'number') ? (elements as number[]) : undefined;
}

/** The elements of a shape input at run time: known ones, or those that the graph has computed. Undefined when left out. */
export function numbersAtRunTime(context: RunContext, input: number): number[] | undefined {
  const known = knownNumbers(context.inputs[input]);
  if (known) return known;
  const tensor = context.tensors[input];
  return tensor ? Array.from(tensor.dataSync()) : undefined;
}

/** As `numbersAtRunTime`, for an input that the operator cannot do without. */
export function requiredNumbers(context: RunContext, input: number): number[] {
  const numbers = numbersAtRunTime(context, input);
  if (!numbers) throw mismatch(context.node, `input ${input} is missing.`);
  return numbers;
}

/** The elements of `f` over inputs 0 and 1, broadcast to `dims`. `f` gives undefined for what cannot be told. */
export function binaryElements(
  context: InferContext,
  dims: readonly Dim[],
  dtype: DataType,
  f: (a: Dim, b: Dim) => Dim | undefined,
): Dim[] | undefined {
  const a = elementsAs(required(context, 0), dims);
  const b = a && elementsAs(required(context, 1), dims);
  if (!a || !b) return undefined;
  return a.map((element, index) => {
    const result = f(element, b[index] ?? 0);
    return result === undefined ? context.unknown() : rounded(result, dtype);
  });
}

/** The elements of `f` over input 0; symbols give new ones. */
export function unaryElements(context: InferContext, f: (x: number) => number): Dim[] | undefined {
  const { elements, dtype } = required(context, 0);
  return elements?.map((x) => (typeof x === 'number' ? rounded(f(x), dtype) : context.unknown()));
}

/** Elements of `float32` carry its precision, so that a Floor after them falls on the same side as at run time. */
export function rounded(x: Dim, dtype: DataType): Dim {
  return typeof x === 'number' && dtype === 'float32' ? Math.fround(x) : x;
}

/**
 * The elements of `type` in another arrangement: that at each index of `dims` is the one at `source` of it. Undefined
 * where they, or an extent, are not known.
 */
export function arrangedElements(
  type: ValueType,
  dims: readonly Dim[],
  source: (index: readonly number[]) => readonly number[],
): Dim[] | undefined {
  const { elements } = type;
  const from = type.dims;
  if (!elements || !isConcrete(from) || !isConcrete(dims) || sizeOf(dims) > MAX_KNOWN_ELEMENTS) return undefined;
  return Array.from({ length: sizeOf(dims) }, (_, flat) => {
    let rest = flat;
    const index = dims
      .map((_, axis) => {
        const extent = dims[dims.length - 1 - axis] ?? 1;
        const position = rest % extent;
        rest = (rest - position) / extent;
        return position;
      })
      .reverse();
    const at = source(index).reduce((offset, position, axis) => offset * (from[axis] ?? 1) + position, 0);
    return elements[at] ?? 0;
  });
}

/** The product of extents, for comparing shapes that have symbols: a number and the symbols, sorted. */
export interface Product {
  number: number;
  symbols: string[];
}

/** Extents known only at run time may be multiplied: `4*N` is four times the batch. */
const MULTIPLIED = /^[\w?.]+(\*[\w?.]+)+$/;

export function productOf(dims: readonly Dim[]): Product {
  if (isConcrete(dims)) return { number: sizeOf(dims), symbols: [] };
  const factors = dims.flatMap((extent): Dim[] =>
    typeof extent === 'string' && MULTIPLIED.test(extent)
      ? extent.split('*').map((factor) => (/^\d+$/.test(factor) ? Number(factor) : factor))
      : [extent],
  );
  return {
    number: factors.reduce<number>((product, factor) => (typeof factor === 'number' ? product * factor : product), 1),
    symbols: factors.filter((factor) => typeof factor === 'string').sort(),
  };
}

/** A product as one extent; undefined where its number is no count. */
export function extentOf({ number, symbols }: Product): Dim | undefined {
  if (symbols.length === 0 || number === 0) return number;
  if (!Number.isSafeInteger(number) || number < 0) return undefined;
  return [...(number === 1 ? [] : [number]), ...symbols].join('*');
}

/** `a` over `b`; undefined where it is no whole product. */
export function quotientOf(a: Product, b: Product): Dim | undefined {
  if (symbolsWithout(b.symbols, a.symbols).length > 0 || !Number.isInteger(a.number / b.number)) return undefined;
  return extentOf({ number: a.number / b.number, symbols: symbolsWithout(a.symbols, b.symbols) });
}

export function equalProducts(a: Product, b: Product): boolean {
  return a.number === b.number && a.symbols.join('\n') === b.symbols.join('\n');
}

/** The symbols of `a` that are not in `b`, each as often as it is more frequent there. */
export function symbolsWithout(a: readonly string[], b: readonly string[]): string[] {
  const rest = [...b];
  return a.filter((symbol) => {
    const at = rest.indexOf(symbol);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}
