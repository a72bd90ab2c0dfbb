/** What a network's answer takes, told from its channel counts: milliseconds for each MAC of each node, measured before. */

import type { Cost } from '../analyze/cost.js';

export interface LatencyModel {
  /** Milliseconds of one multiply-add, by node; nodes keep their names when they are cut. */
  rates: ReadonlyMap<string, number>;
  /** What the rates say of the network that targets are fractions of. */
  from: number;
}

/** Milliseconds of the nodes that have rates; what does not depend on channels is not counted. */
export function predictedLatency(cost: Pick<Cost, 'nodes'>, rates: LatencyModel['rates']): number {
  return cost.nodes.reduce((sum, { node, macs }) => sum + macs * (rates.get(node.name) ?? 0), 0);
}

/** A group that was cut alone: the MACs that each node lost, and the milliseconds that the network gained. */
export interface MeasuredGain {
  lost: ReadonlyMap<string, number>;
  gain: number;
}

const ROUNDS = 50;
const MOST_CHANGE = 4;

/**
 * Rates with which the nodes' lost MACs add up to the gains that were measured, near equal rates where the gains leave it
 * open (the multiplicative algebraic reconstruction technique; Gordon, Bender, Herman 1970).
 * @param total milliseconds of the whole network.
 */
export function fitRates(
  cost: Pick<Cost, 'nodes' | 'macs'>,
  total: number,
  gains: readonly MeasuredGain[],
): Map<string, number> {
  const rates = new Map(cost.nodes.filter(({ macs }) => macs > 0).map(({ node }) => [node.name, total / cost.macs]));
  for (let round = 0; round < ROUNDS; round++)
    for (const { lost, gain } of gains) {
      const told = [...lost].reduce((sum, [name, macs]) => sum + macs * (rates.get(name) ?? 0), 0);
      if (told <= 0) continue;
      // No measured gain at all is noise, or a width that is as fast as a smaller one.
      const factor = Math.min(MOST_CHANGE, Math.max(1 / MOST_CHANGE, gain / told)) ** 0.5;
      for (const name of lost.keys()) rates.set(name, (rates.get(name) ?? 0) * factor);
    }
  return rates;
}
