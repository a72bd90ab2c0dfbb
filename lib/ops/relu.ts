import { rectify } from './fused-relu.js';
import { elementwiseCost, type Operator, required, requiredTensor, tieElementwise } from './operator.js';

/** Relu: max(x, 0). */
export const relu: Operator = {
  op: 'Relu',
  passes: 'channels',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    return [{ dtype, dims }];
  },
  run: (context) => [rectify(context.tf, requiredTensor(context, 0))],
  cost: (shaped) => elementwiseCost(shaped),
  tie: (shaped) => tieElementwise(shaped, 0),
  role: () => 'nonlinearity',
};
