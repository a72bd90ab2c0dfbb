/** What a person says of the search space: rules by layer and choice, the later ones over the earlier ones. */

import * as z from 'zod';
import { nearest } from '../errors/suggest.js';
import { ExitCode, TascnetError } from '../errors.js';
import { globOf } from '../graph/glob.js';
import type { Choice } from './choices.js';
import type { Condition, Dimension, Value } from './space.js';

const names = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
const value = z.union([z.number(), z.string()]);

/** A rule of the `space` of a configuration file. */
export const spaceRuleSchema = z
  .strictObject({
    layers: names.optional().describe('Layers, pools or blocks by name; * stands for any characters. Default: all.'),
    choices: names
      .optional()
      .describe('What of them: block, width, kernel, activation, window, dropout, … Default: all.'),
    search: z.boolean().optional().describe('false: leave it as the network has it.'),
    values: z.array(value).min(1).optional().describe('The values that are searched.'),
    low: z.number().optional().describe('The least value of a range.'),
    high: z.number().optional().describe('The largest value of a range, included.'),
    log: z.boolean().optional().describe('true: the range is searched on a logarithmic scale.'),
    when: z
      .strictObject({ dimension: z.string().min(1), in: z.array(value).min(1) })
      .optional()
      .describe('Search it only where another dimension, which is listed before it, has one of these values.'),
  })
  .refine(({ values, low, high }) => !(values && (low !== undefined || high !== undefined)), {
    message: 'has both a list of values and a range',
  })
  .refine(({ low, high }) => (low === undefined) === (high === undefined), {
    message: 'has only one end of a range; low and high go together',
  })
  .refine(({ low = 0, high = 0 }) => low <= high, { message: 'has a range whose low is above its high' });

export type SpaceRule = z.infer<typeof spaceRuleSchema>;

interface Pattern {
  rule: SpaceRule;
  number: number;
  layers: string[];
  matches(choice: Choice): boolean;
  /** Matches the choice by its very name, not by a pattern. */
  exact(choice: Choice): boolean;
  used: { layer: boolean; choice: boolean; value: boolean };
}

export interface SpaceRules {
  /** The choice as the rules have it; undefined where it is not to be searched. */
  apply<C extends Choice>(choice: C): C | undefined;
  /** @throws TascnetError for a rule that was about nothing. */
  check(known: readonly Choice[]): void;
}

/** @throws TascnetError (wrong usage) from `apply` and `check`, naming the rule and what was expected. */
export function spaceRules(rules: readonly SpaceRule[]): SpaceRules {
  const patterns = rules.map(patternOf);
  return {
    apply: (choice) => {
      let current: typeof choice | undefined = choice;
      for (const pattern of patterns) {
        pattern.used.layer ||= pattern.layers.some((layer) => namedBy(layer, choice));
        if (!pattern.matches(choice)) continue;
        pattern.used.choice = true;
        const { search, when } = pattern.rule;
        if (search === false) current = undefined;
        const dimension = changed(choice, current?.dimension ?? choice.dimension, pattern);
        if (!dimension) continue;
        if (search !== false) current = { ...choice, dimension: { ...dimension, ...(when ? { when } : {}) } };
      }
      return current;
    },
    check: (known) => {
      for (const pattern of patterns) complain(pattern, known);
    },
  };
}

function patternOf(rule: SpaceRule, index: number): Pattern {
  const list = (given: string | string[] | undefined) => (given === undefined ? ['*'] : [given].flat());
  const [layers, choices] = [list(rule.layers), list(rule.choices)];
  const patterns = choices.map(globOf);
  const matches = (choice: Choice) =>
    layers.some((layer) => namedBy(layer, choice)) &&
    patterns.some(
      (pattern) => pattern.test(choice.choice) || pattern.test(choice.dimension.name.split(':').at(-1) ?? ''),
    );
  const exact = (choice: Choice) => layers.includes(choice.layer);
  return { rule, number: index + 1, layers, matches, exact, used: { layer: false, choice: false, value: false } };
}

function namedBy(pattern: string, { layer, dimension }: Choice): boolean {
  const glob = globOf(pattern);
  return glob.test(layer) || glob.test(dimension.name);
}

/** The dimension with the values of a rule; undefined where it can have none of them. */
function changed(choice: Choice, dimension: Dimension, pattern: Pattern): Dimension | undefined {
  const { values, low, high, log } = pattern.rule;
  const when = dimension.when ? { when: dimension.when } : {};
  if (low !== undefined && high !== undefined) return ranged(choice, dimension, { low, high, log }, pattern, when);
  if (!values) {
    pattern.used.value = true;
    return dimension;
  }
  const possible = values.filter((wanted) => choice.takes(wanted));
  if (possible.length < values.length && pattern.exact(choice))
    throw refused(choice, values.find((wanted) => !choice.takes(wanted)) ?? '', pattern);
  if (possible.length === 0) return undefined;
  pattern.used.value = true;
  const { name } = dimension;
  const unique = [...new Set(possible)];
  return dimension.kind === 'categorical'
    ? { name, kind: 'categorical', values: unique.map(String), ...when }
    : { name, kind: 'ordinal', values: unique.map(Number).sort((a, b) => a - b), ...when };
}

type Bounds = { low: number; high: number; log: boolean | undefined };

function ranged(
  choice: Choice,
  dimension: Dimension,
  { low, high, log = false }: Bounds,
  pattern: Pattern,
  when: { when?: Condition },
): Dimension | undefined {
  if (dimension.kind === 'categorical') {
    if (pattern.exact(choice)) throw refused(choice, `${low} … ${high}`, pattern);
    return undefined;
  }
  if (log && low <= 0)
    throw wrong(pattern, `has a logarithmic range that starts at ${low}; it must start above 0.`, undefined);
  const { name } = dimension;
  // A fraction can have any value in between.
  if (!Number.isInteger(low) || !Number.isInteger(high) || choice.takes((low + high + 1) / 2 / Math.max(1, high))) {
    const outside = [low, high].find((end) => !choice.takes(end));
    if (outside !== undefined && pattern.exact(choice)) throw refused(choice, outside, pattern);
    if (outside !== undefined) return undefined;
    pattern.used.value = true;
    return { name, kind: 'real', low, high, log, ...when };
  }
  const whole = Array.from({ length: Math.min(high - low + 1, 100_000) }, (_, index) => low + index);
  const possible = whole.filter((wanted) => choice.takes(wanted));
  if (possible.length < whole.length && pattern.exact(choice))
    throw refused(choice, whole.find((wanted) => !choice.takes(wanted)) ?? low, pattern);
  if (possible.length === 0) return undefined;
  pattern.used.value = true;
  return possible.length === whole.length
    ? { name, kind: 'integer', low, high, log, ...when }
    : { name, kind: 'ordinal', values: possible, ...when };
}

function complain(pattern: Pattern, known: readonly Choice[]): void {
  const { rule, used } = pattern;
  if (!used.layer) {
    const there = [...new Set(known.map(({ layer }) => layer))];
    const meant = pattern.layers.map((layer) => nearest(layer, there)).find((name) => name !== undefined);
    throw wrong(
      pattern,
      `is about ${pattern.layers.map((layer) => `"${layer}"`).join(', ')}, but the network has no such layer or block.`,
      meant ? `Did you mean "${meant}"?` : '"tascnet search --dry-run" lists what there is.',
    );
  }
  if (!used.choice) {
    const there = [
      ...new Set(
        known.flatMap((choice) => (pattern.layers.some((layer) => namedBy(layer, choice)) ? [choice.choice] : [])),
      ),
    ];
    throw wrong(
      pattern,
      `is about the choice ${[rule.choices ?? '*']
        .flat()
        .map((name) => `"${name}"`)
        .join(', ')}, which these layers do not have.`,
      `They have: ${there.join(', ')}.`,
    );
  }
  if (!used.value) {
    const one = known.find((choice) => pattern.matches(choice));
    throw wrong(
      pattern,
      'has no value that any of its layers could take.',
      one && `"${one.dimension.name}" takes ${one.expected}.`,
    );
  }
  const { when } = rule;
  const depended = when && known.find(({ dimension }) => dimension.name === when.dimension);
  if (when && !depended) {
    const meant = nearest(
      when.dimension,
      known.map(({ dimension }) => dimension.name),
    );
    throw wrong(
      pattern,
      `depends on "${when.dimension}", which is no dimension of the space.`,
      meant && `Did you mean "${meant}"?`,
    );
  }
  const impossible = depended && when?.in.find((wanted) => !depended.takes(wanted));
  if (depended && impossible !== undefined) throw refused(depended, impossible, pattern);
}

function refused(choice: Choice, given: Value, pattern: Pattern): TascnetError {
  return wrong(
    pattern,
    `wants ${JSON.stringify(given)} for "${choice.dimension.name}", which takes ${choice.expected}.`,
    `As the network has it: ${choice.own}.`,
  );
}

function wrong({ number }: Pattern, problem: string, hint: string | undefined): TascnetError {
  return new TascnetError(`Rule ${number} of the search space ${problem}`, {
    ...(hint === undefined ? {} : { hint }),
    exitCode: ExitCode.usage,
  });
}
