/** A graph on the engine: its weights as variables, run forward in training and in inference. */

import type * as tfjs from '@tensorflow/tfjs-core';
import { learnableInitializers } from '../analyze/learnable.js';
import { TascnetError } from '../errors.js';
import { type Graph, withoutDead } from '../graph/graph.js';
import type { Tensor } from '../graph/tensor.js';
import type { Engine } from './engine.js';
import { type EngineInput, execute, type ForwardOptions, type Residents } from './execute.js';
import { type Form, formed, formKey, unformed } from './layout.js';
import { programOf } from './program.js';
import { residentTensor } from './resident.js';

export type { EngineInput, ForwardOptions } from './execute.js';

export interface Model {
  /** The graph that was built, with the initial weights, without dead nodes. */
  readonly graph: Graph;
  /** The learnable initializers by name, in the engine's order of axes. */
  readonly variables: ReadonlyMap<string, tfjs.Variable>;
  /** Running means and variances by name. */
  readonly buffers: ReadonlyMap<string, tfjs.Variable>;
  /**
   * Runs the graph on `inputs`, one for each graph input. Differentiable with respect to `variables`; in training,
   * batch norm's buffers are updated. Returns the graph outputs in ONNX logical order; the caller disposes of them.
   */
  forward(inputs: readonly EngineInput[], options: ForwardOptions): tfjs.Tensor[];
  /** As `forward`, for any values of the graph by name, computing no more than they need. */
  forwardTo(values: readonly string[], inputs: readonly EngineInput[], options: ForwardOptions): tfjs.Tensor[];
  /** A tensor in the order in which variable `name` is kept (such as its gradient), brought to ONNX order. */
  inOnnxOrder(name: string, tensor: tfjs.Tensor): tfjs.Tensor;
  /** The current variables and buffers, in ONNX order. */
  weights(): Promise<Map<string, Tensor>>;
  /** Replaces variables and buffers by name; others keep their values. Throws when a shape differs. */
  setWeights(weights: ReadonlyMap<string, Tensor>): void;
  /** The graph with the current weights. */
  toGraph(): Promise<Graph>;
  dispose(): void;
}

/**
 * Builds a model.
 * @param options.trainable which learnable initializers become variables; the others are constants. Default: all.
 * @throws TascnetError naming the node that the engine cannot run.
 */
export function buildModel(
  engine: Engine,
  source: Graph,
  options: { trainable?: (initializer: string) => boolean } = {},
): Model {
  const { tf } = engine;
  const graph = withoutDead(source);
  const learnable = learnableInitializers(graph);
  const parameters = [...learnable.parameters].filter((name) => options.trainable?.(name) ?? true);
  const changing = new Set([...parameters, ...learnable.buffers]);
  const program = programOf(graph, changing);

  const forms = new Map<string, Map<string, Form>>();
  for (const { node } of program.steps)
    node.inputs.forEach((name, index) => {
      const form = program.plan.nodes.get(node)?.forms[index];
      if (!form || !graph.initializers.has(name)) return;
      const byKey = forms.get(name) ?? new Map<string, Form>();
      forms.set(name, byKey.set(formKey(form), form));
    });

  for (const { name } of graph.outputs)
    if (graph.initializers.has(name)) forms.set(name, new Map([['plain', { kind: 'laid', layout: 'plain' }]]));

  const initializer = (name: string): Tensor => {
    const tensor = graph.initializers.get(name);
    if (!tensor) throw new TascnetError(`There is no initializer "${name}" in the graph.`);
    return tensor;
  };
  /** The one form in which a variable is kept: what its readers ask for, or ONNX order where they disagree. */
  const storage = (name: string): Form => {
    const wanted = [...(forms.get(name)?.values() ?? [])];
    return wanted.length === 1 && wanted[0] ? wanted[0] : { kind: 'laid', layout: 'plain' };
  };
  const stored = (name: string, tensor: Tensor): tfjs.Tensor =>
    tf.tidy(() => formed(tf, residentTensor(tf, tensor, name), 'plain', storage(name)).clone());

  const residents: Residents = { tensors: new Map(), ids: new Set() };
  const keep = (name: string, key: string, tensor: tfjs.Tensor): void => {
    const byForm = residents.tensors.get(name) ?? new Map<string, tfjs.Tensor>();
    residents.tensors.set(name, byForm.set(key, tensor));
    residents.ids.add(tensor.id);
  };
  const variables = new Map<string, tfjs.Variable>();
  const buffers = new Map<string, tfjs.Variable>();
  for (const name of [...parameters, ...learnable.buffers]) {
    const isBuffer = learnable.buffers.has(name);
    const value = stored(name, initializer(name));
    const variable = tf.variable(value, !isBuffer);
    value.dispose();
    (isBuffer ? buffers : variables).set(name, variable);
    keep(name, formKey(storage(name)), variable);
  }
  for (const [name, byKey] of forms) {
    if (changing.has(name)) continue;
    const tensor = initializer(name);
    if (tensor.dtype === 'string') continue;
    for (const [key, form] of byKey)
      keep(name, key, tf.keep(tf.tidy(() => formed(tf, residentTensor(tf, tensor, name), 'plain', form).clone())));
  }

  const run = execute(engine, graph, program, residents, buffers);
  const held = new Map([...variables, ...buffers]);
  const outputs = graph.outputs.map(({ name }) => name);

  const model: Model = {
    graph,
    variables,
    buffers,
    forward: (inputs, forwardOptions) => run.values(outputs, inputs, forwardOptions),
    forwardTo: (values, inputs, forwardOptions) => run.values(values, inputs, forwardOptions),
    inOnnxOrder: (name, tensor) => unformed(tf, tensor, initializer(name).dims, storage(name)),
    weights: async () => {
      const weights = new Map<string, Tensor>();
      for (const [name, variable] of held) {
        const { dims } = initializer(name);
        const plain = tf.tidy(() => unformed(tf, variable, dims, storage(name)).clone());
        const data = await plain.data<'float32'>();
        plain.dispose();
        weights.set(name, { dtype: 'float32', dims, data });
      }
      return weights;
    },
    setWeights: (weights) => {
      for (const [name, tensor] of weights) {
        const variable = held.get(name);
        if (!variable) continue;
        const { dims } = initializer(name);
        if (`${dims}` !== `${tensor.dims}`)
          throw new TascnetError(`Weights for "${name}" have shape [${tensor.dims}]; [${dims}] was expected.`);
        const value = stored(name, tensor);
        variable.assign(value);
        value.dispose();
      }
    },
    toGraph: async () => ({ ...graph, initializers: new Map([...graph.initializers, ...(await model.weights())]) }),
    dispose: () => {
      run.dispose();
      for (const byForm of residents.tensors.values()) for (const tensor of byForm.values()) tensor.dispose();
      residents.tensors.clear();
    },
  };
  return model;
}
