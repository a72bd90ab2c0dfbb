/** The cases by name, in the order in which they run. */
export const CASES = [
  'startup',
  'scoring',
  'surgery',
  'cost',
  'event-loop',
  'prune',
  'train',
  'latency',
  'search',
  'e2e',
];
