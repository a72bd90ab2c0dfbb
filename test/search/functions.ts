/** Functions with known optima that optimisers are compared on; optuna_regret.py has the same ones. */

import type { Point, Space } from '../../lib/search/space.js';

export interface TestFunction {
  space: Space;
  /** To be minimised. */
  loss(point: Point): number;
  optimum: number;
}

const number = (point: Point, name: string) => Number(point[name]);

export const branin: TestFunction = {
  space: [
    { name: 'x', kind: 'real', low: -5, high: 10 },
    { name: 'y', kind: 'real', low: 0, high: 15 },
  ],
  loss: (point) => {
    const x = number(point, 'x');
    const a = number(point, 'y') - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
    return a * a + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
  },
  optimum: 0.39788735772973816,
};

const A6 = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const P6 = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
];

export const hartmann6: TestFunction = {
  space: Array.from({ length: 6 }, (_, index) => ({ name: `x${index}`, kind: 'real', low: 0, high: 1 })),
  loss: (point) =>
    -[1, 1.2, 3, 3.2].reduce((sum, weight, row) => {
      const exponent = (A6[row] ?? []).reduce(
        (total, a, j) => total + a * (number(point, `x${j}`) - 1e-4 * (P6[row]?.[j] ?? 0)) ** 2,
        0,
      );
      return sum + weight * Math.exp(-exponent);
    }, 0),
  optimum: -3.322368011391339,
};

/** A head of a network in the small: integers, a logarithm, categories, and a dimension that is there only sometimes. */
export const mixed: TestFunction = {
  space: [
    { name: 'layers', kind: 'integer', low: 0, high: 2 },
    { name: 'activation', kind: 'categorical', values: ['relu', 'tanh', 'elu'] },
    { name: 'rate', kind: 'real', low: 1e-4, high: 1, log: true },
    { name: 'neurons', kind: 'integer', low: 16, high: 1024, log: true, when: { dimension: 'layers', in: [1, 2] } },
  ],
  loss: (point) => {
    const layers = number(point, 'layers');
    const byActivation = { relu: 0.1, tanh: 0.25, elu: 0 }[String(point.activation)] ?? 1;
    const loss = 0.3 * Math.abs(layers - 1) + byActivation + 0.1 * (Math.log10(number(point, 'rate')) + 2) ** 2;
    return layers > 0 ? loss + 0.1 * (Math.log2(number(point, 'neurons')) - 8) ** 2 : loss;
  },
  optimum: 0,
};

export const TEST_FUNCTIONS = { branin, hartmann6, mixed };
