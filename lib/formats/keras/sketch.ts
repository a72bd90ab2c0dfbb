/** A graph in the making: nodes as they are added, with the types of what they give. */

import { typeOfTensor } from '../../analyze/shapes.js';
import { TascnetError } from '../../errors.js';
import type { Attribute, Dim, Graph, Node, ValueInfo } from '../../graph/graph.js';
import type { DataType, Tensor } from '../../graph/tensor.js';
import type { ValueType } from '../../ops/operator.js';
import { operatorOf } from '../../ops/registry.js';

const OLDEST_OPSET = 18;

export type Attributes = Record<string, number | string | readonly number[] | { float: number }>;

export interface Sketch {
  /** Adds a node of this name, or one like it; returns its output, which has the node's name. '' is an input left out. */
  add(op: string, inputs: readonly string[], name: string, attributes?: Attributes): string;
  /** Gives the last node and its output this name, where it is free; returns the name that they have then. */
  rename(value: string, name: string): string;
  /** Makes an initializer of this name, unless it was made before. */
  weight(name: string, make: () => Tensor): string;
  /** A graph input. */
  input(name: string, dtype: DataType, dims: Dim[]): string;
  /** The node that makes a value; undefined for inputs and weights. */
  maker(value: string): Node | undefined;
  dtype(value: string): DataType;
  /** The shape of a value, in its own order. */
  dims(value: string): readonly Dim[];
  /** The graph needs this operator set, or a later one. */
  needs(opset: number): void;
  /** The graph of what was added, with these values as its outputs. */
  finish(name: string, outputs: readonly string[]): Graph;
}

export function sketch(): Sketch {
  const nodes: Node[] = [];
  const inputs: ValueInfo[] = [];
  const initializers = new Map<string, Tensor>();
  const types = new Map<string, ValueType>();
  const makers = new Map<string, Node>();
  let opset = OLDEST_OPSET;
  let symbols = 0;

  const fresh = (wish: string): string => {
    let name = wish;
    for (let number = 1; types.has(name); number++) name = `${wish}_${number}`;
    return name;
  };
  const typeOf = (value: string): ValueType => {
    const type = types.get(value);
    if (type) return type;
    throw new TascnetError(`the shape of "${value}" cannot be told.`);
  };
  return {
    add: (op, reads, wish, attributes = {}) => {
      const name = fresh(wish);
      const node: Node = { name, op, domain: '', inputs: [...reads], outputs: [name], attributes: tagged(attributes) };
      const operator = operatorOf(node);
      const shaped = { node, opset, inputs: reads.map((read) => (read === '' ? undefined : typeOf(read))) };
      const [type] = operator?.infer({ ...shaped, unknown: () => `?${symbols++}` }) ?? [];
      if (!type) throw new TascnetError(`the shape of what ${op} "${name}" gives cannot be told.`);
      nodes.push(node);
      makers.set(name, node);
      types.set(name, type);
      return name;
    },
    rename: (value, name) => {
      const last = nodes.at(-1);
      if (last?.name !== value || types.has(name)) return value;
      const renamed = { ...last, name, outputs: [name] };
      nodes[nodes.length - 1] = renamed;
      makers.set(name, renamed);
      makers.delete(value);
      types.set(name, typeOf(value));
      types.delete(value);
      return name;
    },
    weight: (name, make) => {
      if (initializers.has(name)) return name;
      if (types.has(name)) throw new TascnetError(`two values are named "${name}".`);
      const tensor = make();
      initializers.set(name, tensor);
      types.set(name, typeOfTensor(tensor));
      return name;
    },
    input: (name, dtype, dims) => {
      if (types.has(name)) throw new TascnetError(`two inputs are named "${name}".`);
      inputs.push({ name, dtype, dims });
      types.set(name, { dtype, dims });
      return name;
    },
    maker: (value) => makers.get(value),
    dtype: (value) => typeOf(value).dtype,
    dims: (value) => typeOf(value).dims,
    needs: (least) => {
      opset = Math.max(opset, least);
    },
    finish: (name, outputs) => ({
      name,
      opset,
      domains: {},
      nodes,
      inputs,
      outputs: [...new Set(outputs)].map((output) => ({ name: output, ...infoOf(typeOf(output)) })),
      initializers,
      metadata: {},
    }),
  };
}

function infoOf({ dtype, dims }: ValueType): Pick<ValueInfo, 'dtype' | 'dims'> {
  return { dtype, dims };
}

function tagged(attributes: Attributes): Record<string, Attribute> {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]): [string, Attribute] => {
      if (typeof value === 'string') return [key, { type: 'string', value }];
      if (typeof value === 'number') return [key, { type: 'int', value }];
      if ('float' in value) return [key, { type: 'float', value: value.float }];
      return [key, { type: 'ints', value: [...value] }];
    }),
  );
}
