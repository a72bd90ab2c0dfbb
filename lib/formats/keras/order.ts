/** The calls of a network in the order in which they can be made. */

import { TascnetError } from '../../errors.js';
import type { Call } from './calls.js';
import type { Layer, Network } from './topology.js';

export interface OrderedCall {
  layer: Layer;
  call: Call;
  /** Which of the layer's calls it is. */
  index: number;
}

/** An input layer is a call that reads nothing. */
const INPUT: Call = { operands: [], options: {} };

/** @throws TascnetError when calls wait for each other, or for one that there is not. */
export function callOrder({ layers, outputs }: Network): OrderedCall[] {
  const calls = new Map<string, OrderedCall>();
  for (const layer of layers.values()) {
    const own = layer.calls.length === 0 && layer.className === 'InputLayer' ? [INPUT] : layer.calls;
    for (const [index, call] of own.entries()) calls.set(`${index} ${layer.name}`, { layer, call, index });
  }
  const ordered: OrderedCall[] = [];
  const state = new Map<OrderedCall, 'open' | 'done'>();
  const referred = (key: string, by: string): OrderedCall => {
    const found = calls.get(key);
    if (found) return found;
    throw new TascnetError(
      `${by} reads the layer "${key.slice(key.indexOf(' ') + 1)}", of which there is no such call.`,
    );
  };
  for (const { call, layer } of outputs) {
    // An explicit stack: a chain of a hundred thousand layers must not overflow the call stack.
    const stack = [{ at: referred(`${call} ${layer}`, 'an output of the model'), next: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const { at } = top;
      if (top.next === 0 && state.get(at) !== 'done') state.set(at, 'open');
      const operand = state.get(at) === 'done' ? undefined : at.call.operands[top.next++];
      if (operand === undefined) {
        if (state.get(at) !== 'done') ordered.push(at);
        state.set(at, 'done');
        stack.pop();
      } else if (typeof operand === 'object') {
        const before = referred(`${operand.call} ${operand.layer}`, `${at.layer.className} "${at.layer.name}"`);
        if (state.get(before) === 'open')
          throw new TascnetError(
            `the layers "${before.layer.name}" and "${at.layer.name}" feed each other in a circle.`,
          );
        if (state.get(before) !== 'done') stack.push({ at: before, next: 0 });
      }
    }
  }
  return ordered;
}
