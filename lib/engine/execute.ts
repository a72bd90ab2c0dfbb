/** Runs a planned graph on the engine, step by step. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { messageOf, TascnetError } from '../errors.js';
import type { Graph, Node } from '../graph/graph.js';
import type { Operator, RunContext } from '../ops/operator.js';
import type { Engine } from './engine.js';
import { formed, formKey, physicalAxis, relaid } from './layout.js';
import { type Program, type Step, stepsTowards, type TypedProgram } from './program.js';
import { knownTensor } from './resident.js';
import { type Laid, ValueStore } from './value-store.js';

/** A graph input on the engine: float32, or int32 where the graph takes integers. */
export type EngineInput = Laid;

export interface ForwardOptions {
  /** Whether dropout drops and batch norm uses the statistics of the batch. */
  training: boolean;
  /** For dropout: the same seed drops the same elements. */
  seed: number;
  /** `frozen`: batch norm uses its running statistics in training as well. Default `train`. */
  batchNorm?: 'train' | 'frozen';
  /** Initializers that stay as they are: batch norms use their running statistics where these are among them. */
  frozen?: ((initializer: string) => boolean) | undefined;
}

/** Initializers on the engine, by name and form, and the ids of those tensors: execution never disposes of them. */
export interface Residents {
  tensors: Map<string, Map<string, tfjs.Tensor>>;
  ids: Set<number>;
}

/** A program for inputs of given extents; `known` are its constants that depend on them. */
interface Binding extends TypedProgram {
  known: Map<string, tfjs.Tensor>;
}

/** How many combinations of input extents are remembered: whole and last batches, and a few image sizes. */
const MAX_BINDINGS = 8;

export interface Execution {
  values(names: readonly string[], inputs: readonly EngineInput[], options: ForwardOptions): tfjs.Tensor[];
  dispose(): void;
}

function keepsStatistics(node: Node, { buffers }: Operator, { batchNorm, frozen }: ForwardOptions): boolean {
  return !!buffers && (batchNorm === 'frozen' || buffers.some((input) => frozen?.(node.inputs[input] ?? '')));
}

export function execute(
  engine: Engine,
  graph: Graph,
  program: Program,
  residents: Residents,
  buffers: ReadonlyMap<string, tfjs.Variable>,
): Execution {
  const { tf } = engine;
  const bindings = new Map<string, Binding>();
  const paths = new Map<string, Step[]>();

  const bind = (inputs: readonly EngineInput[]): Binding => {
    if (inputs.length !== graph.inputs.length)
      throw new TascnetError(`The network has ${graph.inputs.length} inputs, but ${inputs.length} were given.`);
    const extents = Object.fromEntries(
      graph.inputs.map(({ name }, index) => [name, logicalShape(inputs[index] as EngineInput)]),
    );
    const key = JSON.stringify(extents);
    let binding = bindings.get(key);
    if (!binding) {
      binding = { ...program.typed(extents), known: new Map() };
      const oldest = bindings.size >= MAX_BINDINGS ? bindings.keys().next().value : undefined;
      if (oldest !== undefined) {
        for (const tensor of bindings.get(oldest)?.known.values() ?? []) tensor.dispose();
        bindings.delete(oldest);
      }
      bindings.set(key, binding);
    }
    return binding;
  };

  const pathTo = (names: readonly string[]): Step[] => {
    const key = names.join('\0');
    const path = paths.get(key) ?? stepsTowards(program.steps, names);
    paths.set(key, path);
    return path;
  };

  const values: Execution['values'] = (names, inputs, options) => {
    const binding = bind(inputs);
    const path = pathTo(names);
    return tf.tidy(() => {
      // Under a gradient the tape needs every intermediate value; otherwise each goes when its last reader has run.
      const store = new ValueStore(tf.engine().state.gradientDepth === 0 ? usesOf(path, names) : undefined);
      for (const id of residents.ids) store.borrow(id);
      graph.inputs.forEach(({ name }, index) => {
        const input = inputs[index];
        if (!input) return;
        store.borrow(input.tensor.id);
        store.set(name, input.tensor, input.layout);
      });

      const fetch = (name: string): Laid | undefined => {
        const value = store.get(name);
        if (value) return value;
        const type = program.known.has(name) ? binding.types.get(name) : undefined;
        if (!type) return undefined;
        const known = binding.known.get(name) ?? knownTensor(tf, type);
        if (!known) return undefined;
        if (!binding.known.has(name)) binding.known.set(name, tf.keep(known));
        store.borrow(known.id);
        return { tensor: known, layout: 'plain' };
      };

      for (const [index, step] of path.entries()) {
        const { node, operator } = step;
        const shaped = binding.shaped.get(node);
        const plan = program.plan.nodes.get(node);
        if (!shaped || !plan) continue;
        const tensors = node.inputs.map((name, position): tfjs.Tensor | undefined => {
          const form = plan.forms[position];
          if (name === '' || !form) return undefined;
          const key = formKey(form);
          const resident = residents.tensors.get(name);
          const direct = resident?.get(key) ?? store.getFormed(name, key);
          if (direct) return direct;
          const [stored] = resident?.values() ?? [];
          const value = stored ? { tensor: stored, layout: 'plain' as const } : fetch(name);
          return value && store.setFormed(name, key, formed(tf, value.tensor, value.layout, form));
        });
        const context: RunContext = {
          ...shaped,
          tf,
          tensors,
          layout: plan.layout,
          physicalAxis: (axis, rank) => physicalAxis(plan.layout, axis, rank),
          training: options.training && !keepsStatistics(node, operator, options),
          seed: nodeSeed(options.seed, index),
          updateBuffer: (input, value) => buffers.get(node.inputs[input] ?? '')?.assign(value),
        };
        const outputs = runStep(step, context, store.releases ? tf : undefined);
        node.outputs.forEach((name, position) => {
          const tensor = outputs[position];
          if (name !== '' && tensor) store.set(name, tensor, tensor.rank < 3 ? 'plain' : plan.layout);
        });
        store.release(node.inputs);
      }

      return names.map((name) => {
        const value = fetch(name) ?? residentValue(residents, name);
        if (!value) throw new TascnetError(`There is no value "${name}" in the graph that the engine computes.`);
        const plain = relaid(tf, value.tensor, value.layout, 'plain');
        return store.isBorrowed(plain.id) ? plain.clone() : plain;
      });
    });
  };

  return {
    values,
    dispose: () => {
      for (const { known } of bindings.values()) for (const tensor of known.values()) tensor.dispose();
      bindings.clear();
    },
  };
}

function runStep(step: Step, context: RunContext, tidyIn: RunContext['tf'] | undefined): tfjs.Tensor[] {
  try {
    return tidyIn ? tidyIn.tidy(() => step.run(context)) : step.run(context);
  } catch (cause) {
    if (cause instanceof TascnetError) throw cause;
    throw new TascnetError(`${step.node.op} "${step.node.name}" failed on the engine: ${messageOf(cause)}`, { cause });
  }
}

function residentValue(residents: Residents, name: string): Laid | undefined {
  const tensor = residents.tensors.get(name)?.get('plain');
  return tensor && { tensor, layout: 'plain' };
}

/** How often each value is read on a path; the wanted values are read once more, at the end. */
function usesOf(path: readonly Step[], wanted: readonly string[]): Map<string, number> {
  const uses = new Map<string, number>();
  const count = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const { node } of path) for (const name of node.inputs) count(name);
  for (const name of wanted) count(name);
  return uses;
}

/** A positive 31-bit seed that differs from node to node (the finaliser of MurmurHash3). */
function nodeSeed(seed: number, index: number): number {
  let hash = (seed ^ Math.imul(index + 1, 0x9e3779b1)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 1) + 1;
}

function logicalShape({ tensor, layout }: EngineInput): number[] {
  const { shape } = tensor;
  if (layout === 'plain' || shape.length < 3) return shape;
  return [...shape.slice(0, 1), ...shape.slice(-1), ...shape.slice(1, -1)];
}
