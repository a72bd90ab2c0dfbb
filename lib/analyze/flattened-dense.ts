/** Dense layers on flattened maps, for maps of another size. */

import { type Graph, type Node, producers } from '../graph/graph.js';
import { int64, sizeOf, type TensorOf } from '../graph/tensor.js';
import type { ValueType } from '../ops/operator.js';
import { withConstantInput } from './shape-inputs.js';
import { inferShapes } from './shapes.js';

type Types = ReadonlyMap<string, ValueType>;

const DENSE: readonly string[] = ['Gemm', 'MatMul'];

/**
 * The graph whose maps have changed their size, with the weights of dense layers that read them flattened brought to that
 * size: they give what they gave on the map brought back to its old size. A smaller map is brought back by linear
 * interpolation (as ONNX Resize with half_pixel), a larger one by averaging areas.
 * @param before types of the values at the old size.
 * @returns the graph as it is where no dense layer can be followed back to a flattened map.
 */
export function withResizedDense(graph: Graph, before: Types): Graph {
  let current = graph;
  for (const { name, op } of graph.nodes) {
    if (!DENSE.includes(op)) continue;
    const node = current.nodes.find((each) => each.name === name);
    const dense = node && denseOnMap(current, node, before);
    if (!dense) continue;
    const index = current.nodes.findIndex((each) => each.name === dense.flatten.name);
    const map = inferShapes({ ...current, nodes: current.nodes.slice(0, index) }).types.get(dense.map);
    const now = map?.dims.slice(1) ?? [];
    if (now.length !== dense.extents.length || !isNumbers(now) || `${now}` === `${dense.extents}`) continue;
    const weight = resized(dense.weight, dense.axis, dense.extents, now);
    current = { ...current, initializers: new Map(current.initializers).set(dense.name, weight) };
    current = withTarget(current, dense.flatten, sizeOf(now));
  }
  return current;
}

interface DenseOnMap {
  flatten: Node;
  /** The value that is flattened, and its extents at the old size, without the batch. */
  map: string;
  extents: number[];
  /** The dense layer's weight, by name, and its axis of inputs. */
  name: string;
  weight: TensorOf<'float32'>;
  axis: number;
}

/** The flattened map that a dense layer reads, if nothing but element-wise nodes stands between. */
function denseOnMap(graph: Graph, node: Node, before: Types): DenseOnMap | undefined {
  const [input, name = ''] = node.inputs;
  const weight = graph.initializers.get(name);
  if (node.domain !== '' || weight?.dtype !== 'float32') return undefined;
  if (weight.dims.length !== 2) return undefined;
  if (graph.nodes.filter(({ inputs }) => inputs.includes(name)).length !== 1) return undefined;
  if (node.attributes.transA?.value === 1) return undefined;
  const axis = node.op === 'Gemm' && node.attributes.transB?.value === 1 ? 1 : 0;
  const makers = producers(graph);
  for (let value = input; value !== undefined; ) {
    const maker = makers.get(value);
    const [from, to] = [before.get(maker?.inputs[0] ?? ''), before.get(value)];
    if (!maker || !from || to?.dims.length !== 2) return undefined;
    const extents = from.dims.slice(1);
    if (from.dims.length > 2) {
      const flattens = ['Flatten', 'Reshape', 'Squeeze'].includes(maker.op) && isNumbers(extents);
      if (!flattens || sizeOf(extents) !== weight.dims[axis]) return undefined;
      return { flatten: maker, map: maker.inputs[0] ?? '', extents, name, weight, axis };
    }
    const learns = maker.inputs.slice(1).some((other) => (graph.initializers.get(other)?.data.length ?? 0) > 1);
    if (`${from.dims}` !== `${to.dims}` || learns) return undefined;
    value = maker.inputs[0];
  }
  return undefined;
}

/** A Reshape that names the flattened extent names the new one. */
function withTarget(graph: Graph, flatten: Node, extent: number): Graph {
  const target = graph.initializers.get(flatten.inputs[1] ?? '');
  if (flatten.op !== 'Reshape' || target?.dims[0] !== 2) return graph;
  const [batch = 0, old = -1] = Array.from(target.data, Number);
  return old < 0 ? graph : withConstantInput(graph, flatten.name, 1, int64([2], [batch, extent]));
}

/** A weight whose inputs along `axis` are a map of extents `from`, for one of extents `to`. */
function resized(
  weight: TensorOf<'float32'>,
  axis: number,
  from: readonly number[],
  to: readonly number[],
): TensorOf<'float32'> {
  const [rows = 1, columns = 1] = weight.dims;
  const outputs = axis === 1 ? rows : columns;
  let data: Float32Array = weight.data;
  let extents = [...from];
  for (const [at, extent] of to.entries()) {
    const old = extents[at] ?? 1;
    if (old === extent) continue;
    const inner = sizeOf(extents.slice(at + 1)) * (axis === 1 ? 1 : outputs);
    data = along(data, old, inner, shares(old, extent));
    extents = extents.with(at, extent);
  }
  const inputs = sizeOf(extents);
  return { dtype: 'float32', dims: axis === 1 ? [outputs, inputs] : [inputs, outputs], data };
}

/** For each old position, the new ones that it is brought back from, and their shares, which sum to 1. */
function shares(old: number, now: number): [position: number, share: number][][] {
  return Array.from({ length: old }, (_, position) => {
    if (now > old) {
      const [start, end] = [(position * now) / old, ((position + 1) * now) / old];
      const covered: [number, number][] = [];
      for (let at = Math.floor(start); at < end; at++)
        covered.push([at, (Math.min(at + 1, end) - Math.max(at, start)) / (end - start)]);
      return covered;
    }
    const source = Math.min(Math.max(((position + 0.5) * now) / old - 0.5, 0), now - 1);
    const low = Math.min(Math.floor(source), now - 1);
    return [
      [low, 1 - (source - low)],
      [Math.min(low + 1, now - 1), source - low],
    ];
  });
}

/** Sums the old positions of an axis, each `inner` elements, into the new ones. */
function along(data: Float32Array, old: number, inner: number, from: ReturnType<typeof shares>): Float32Array {
  const now = 1 + Math.max(...from.flat().map(([position]) => position));
  const outer = data.length / (old * inner);
  const result = new Float32Array(outer * now * inner);
  for (let block = 0; block < outer; block++)
    for (const [position, sources] of from.entries())
      for (const [source, share] of sources) {
        const [read, write] = [(block * old + position) * inner, (block * now + source) * inner];
        for (let index = 0; index < inner; index++)
          result[write + index] = (result[write + index] ?? 0) + share * (data[read + index] ?? 0);
      }
  return result;
}

function isNumbers(extents: readonly unknown[]): extents is number[] {
  return extents.every((extent) => typeof extent === 'number');
}
