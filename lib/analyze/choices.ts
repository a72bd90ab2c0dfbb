/**
 * Where channels can be carried in more than one way (a Reshape that splits them into heads and what a head holds, a
 * convolution in groups), the usual way may end at something that pins them. Then the other ways are tried.
 */

import type { AxisRef } from '../ops/operator.js';
import type { Choices, Description } from './described.js';

/** A relation that leaves a choice. */
interface Point {
  key: string;
  /** Points of one kind, such as those of equal blocks, are decided together. */
  kind: string;
  options: number[];
  axes: AxisRef[];
}

export interface Outcome {
  /** The more, the more can be pruned. */
  score(): number;
  /** Whether elements of an axis are pinned for another reason than being the graph's border. */
  troubled(at: AxisRef): boolean;
}

/** Each trial ties the whole graph anew. */
const MOST_TRIALS = 32;
const ROUNDS = 2;

/** @returns the best outcome found, the usual choices unless others leave more to prune. */
export function bestChoice<T extends Outcome>(description: Description, evaluate: (choices: Choices) => T): T {
  let chosen = new Map<string, number>();
  let best = evaluate(chosen);
  let bestScore: number | undefined;
  let trials = 0;
  const troubled = pointsOf(description).filter(({ axes }) => axes.some((at) => best.troubled(at)));
  const kinds = [...new Set(troubled.map(({ kind }) => kind))].map((kind) =>
    troubled.filter((point) => point.kind === kind),
  );
  const attempt = (points: readonly Point[], option: (point: Point) => number | undefined): boolean => {
    if (trials++ >= MOST_TRIALS) return false;
    const trial = new Map(chosen);
    for (const point of points) {
      const value = option(point);
      if (value !== undefined) trial.set(point.key, value);
    }
    const outcome = evaluate(trial);
    const score = outcome.score();
    bestScore ??= best.score();
    if (score <= bestScore * (1 + 1e-9)) return false;
    best = outcome;
    bestScore = score;
    chosen = trial;
    return true;
  };
  if (kinds.length > 1) for (const at of [0, -1]) attempt(troubled, ({ options }) => options.at(at));
  for (let round = 0; round < ROUNDS; round++) {
    let better = false;
    for (const points of kinds)
      for (const option of points[0]?.options ?? []) better = attempt(points, () => option) || better;
    if (!better) break;
  }
  return best;
}

function pointsOf({ nodes, shapes }: Description): Point[] {
  const extent = ({ value, axis }: AxisRef) => shapes.types.get(value)?.dims[axis];
  return nodes.flatMap(({ node, relations }) =>
    relations.flatMap((relation, index): Point[] => {
      const key = `${node.name}/${index}`;
      if (relation.kind === 'either') {
        const axes = relation.options.flat().flatMap((one): AxisRef[] => (one.kind === 'same' ? [one.a, one.b] : []));
        return [{ key, kind: `${node.op} ${axes.map(extent)}`, options: relation.options.map((_, at) => at), axes }];
      }
      if (relation.kind !== 'reshape') return [];
      const sides = [relation.from, relation.to];
      const options = [...new Set(sides.flatMap(({ axes }) => (axes.length > 1 ? axes : [])))];
      const axes = sides.flatMap((side) => side.axes.map((axis) => ({ value: side.value, axis })));
      return options.length > 0 ? [{ key, kind: `${node.op} ${options} ${axes.map(extent)}`, options, axes }] : [];
    }),
  );
}
