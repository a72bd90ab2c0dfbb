/** The search space as a person reads it. */

import { short } from '../report/figures.js';
import type { SearchSpace } from '../run/search-space.js';
import type { Dimension } from '../search/space.js';
import { type Output, printable } from './output.js';

const KINDS = {
  residual: 'residual block',
  'dense-layer': 'layer of a dense block',
  branches: 'branches',
  layer: 'layer',
} as const;

/** Depth by depth; of a deeper one only what it adds. */
export function showSpace({ depths, classes }: SearchSpace, output: Output): void {
  const shown = new Map<string, string>();
  for (const { depth, unit, cut, trainableParameters, macs, space } of depths) {
    const what = unit ? `${unit.name} (${KINDS[unit.kind]} of ${unit.layers.join(', ')})` : 'the head alone';
    output.line(output.paint('bold', printable(`Depth ${depth}: ${what}`)));
    const behind = `${short(trainableParameters)} parameters and ${short(macs)} MACs behind it are searched and trained`;
    output.line(
      printable(`Frozen up to "${cut.value}" [${cut.shape.join(', ')}]; ${behind}, ${space.length} choices in all.`),
    );
    const rows = space
      .map((dimension) => [dimension.name, valuesOf(dimension), whenOf(dimension)])
      .filter((row) => shown.get(row[0] ?? '') !== row.join());
    for (const row of rows) shown.set(row[0] ?? '', row.join());
    output.table([['choice', 'values', 'where'], ...rows]);
    output.line();
  }
  output.line(`${classes} classes; each depth begins with the best of the one before it.`);
}

function valuesOf(dimension: Dimension): string {
  if (dimension.kind === 'categorical' || dimension.kind === 'ordinal') return dimension.values.join(', ');
  const whole = dimension.kind === 'integer' ? '' : ' (any number)';
  return `${dimension.low} … ${dimension.high}${whole}${dimension.log ? ', logarithmic' : ''}`;
}

function whenOf({ when }: Dimension): string {
  return when ? `${when.dimension} is ${when.in.join(' or ')}` : '';
}
