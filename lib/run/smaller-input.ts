/**
 * The rival that pruning has to beat: the same network, unpruned, on smaller images, so that it costs as many multiply-adds
 * as the result. It needs no method but plain fine-tuning.
 */

import { costOf } from '../analyze/cost.js';
import { withInputSize } from '../analyze/input-size.js';
import { messageOf, TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';

/** Sizes are multiples of this, as networks are published at. */
const STEP = 8;
const SMALLEST = 16;
/** A result that costs more than this share of the original leaves nothing to be saved. */
const LARGEST_SHARE = 0.95;

/**
 * The size at which a network takes square images and costs as nearly as possible `macs` multiply-adds, or why there is
 * none.
 * @param size height and width that it takes now.
 */
export function sizeOfCost(
  graph: Graph,
  [height, width]: readonly [number, number],
  macs: number,
): { size: number; macs: number } | { absent: string } {
  if (macs > LARGEST_SHARE * costOf(graph).macs) return { absent: 'the result costs as much as the original' };
  if (height !== width) return { absent: 'the network takes images that are not square' };
  let best: { size: number; macs: number } | undefined;
  let refusal: string | undefined;
  for (let size = STEP * Math.ceil(height / STEP) - STEP; size >= SMALLEST; size -= STEP) {
    const cost = costAt(graph, size);
    if (typeof cost === 'string') {
      refusal ??= cost;
      continue;
    }
    if (!best || Math.abs(cost - macs) < Math.abs(best.macs - macs)) best = { size, macs: cost };
    if (cost < macs) break;
  }
  return best ?? { absent: refusal ?? 'the network takes images too small to be made smaller' };
}

function costAt(graph: Graph, size: number): number | string {
  try {
    return costOf(withInputSize(graph, [size, size])).macs;
  } catch (error) {
    if (error instanceof TascnetError) return messageOf(error).replace(/\.$/, '');
    throw error;
  }
}
