import { type Operator, required, requiredTensor, tieElementwise } from './operator.js';

export const identity: Operator = {
  op: 'Identity',
  passes: 'elements',
  infer: (context) => [required(context, 0)],
  run: (context) => [context.tf.clone(requiredTensor(context, 0))],
  cost: () => [],
  tie: (shaped) => tieElementwise(shaped, 0),
};
