/** A graph as its operators describe it: what `relations.ts` gathers and the dependency groups follow from. */

import type { Graph, Node } from '../graph/graph.js';
import type { Relation, ShapedNode } from '../ops/operator.js';
import type { Shapes } from './shapes.js';

export interface DescribedNode {
  node: Node;
  /** Undefined where the operator is not known. */
  shaped: ShapedNode | undefined;
  relations: Relation[];
}

export interface Description {
  graph: Graph;
  shapes: Shapes;
  nodes: DescribedNode[];
  /** Values that follow from initializers alone, those included: weights, as they are or computed from others. */
  constants: ReadonlySet<string>;
  /** Nodes that only put the elements of one axis in another order; their relations say so, element by element. */
  shuffles: Shuffle[];
}

export interface Shuffle {
  /** In order; the values between them are read by nobody else. */
  nodes: Node[];
  from: string;
  to: string;
  axis: number;
  /** Element i of `to` is element `order[i]` of `from`. */
  order: Int32Array;
  /** In place of those of its nodes. */
  relations: Relation[];
}

/** Which of several ways to carry channels is taken, by `node/relation`: a position of `options`, or an axis. */
export type Choices = ReadonlyMap<string, number>;
