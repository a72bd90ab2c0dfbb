/** Random cases of Resize. */

import type { RandomGenerator } from '../../lib/graph/random.js';
import { float32, int64 } from '../../lib/graph/tensor.js';
import { ints, type OperatorCase, oneOf, string } from './harness.js';

export const COORDINATES = ['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'];
const NEAREST = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];

/** Height and width resized by scales or to sizes, whole factors as often as not. */
export function randomResize(random: RandomGenerator, mode: string, coordinates: string): OperatorCase {
  const dims = [1 + random.int(2), 1 + random.int(3), 2 + random.int(5), 2 + random.int(5)];
  const attributes: NonNullable<OperatorCase['attributes']> = {
    mode: string(mode),
    coordinate_transformation_mode: string(coordinates),
    nearest_mode: string(oneOf(random, NEAREST)),
  };
  const factor = () => oneOf(random, [1, 2, 2, 3, 0.5, 1.5, 2.25, 0.8]);
  if (random.int(2)) {
    const scales = random.int(2) ? [1, 1, factor(), factor()] : [1, 1, 2, 2];
    return { op: 'Resize', attributes, inputs: [{ dims }, undefined, float32([4], scales)] };
  }
  const sizes = [2, 3].map((axis) => Math.max(1, Math.round((dims[axis] ?? 1) * factor())));
  if (random.int(2)) {
    const four = int64([4], [...dims.slice(0, 2), ...sizes]);
    return { op: 'Resize', attributes, inputs: [{ dims }, undefined, undefined, four] };
  }
  return {
    op: 'Resize',
    attributes: { ...attributes, axes: ints(2, 3) },
    inputs: [{ dims }, undefined, undefined, int64([2], sizes)],
  };
}
