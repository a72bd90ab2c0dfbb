/** What a command tells while it works: shown as progress, or written to nobody. */

export type RunEvent =
  /** A part of the work begins. */
  | { kind: 'phase'; phase: string }
  | { kind: 'note'; message: string }
  | { kind: 'warning'; message: string }
  | { kind: 'progress'; what: string; done: number; total: number }
  /** An epoch is done; `accuracy` is that on the validation data, 0 … 1, `secondsLeft` for the training it belongs to. */
  | { kind: 'epoch'; what: string; epoch: number; epochs: number; loss: number; accuracy: number; secondsLeft: number }
  | {
      kind: 'trial';
      trial: number;
      trials: number;
      /** Undefined when it failed. */
      accuracy: number | undefined;
      macs: number;
      parameters: number;
      /** Why it has no accuracy. */
      failed: string | undefined;
      /** It was weak and ended before its last epoch. */
      stopped: boolean;
      /** The one that would be taken if the search ended now. */
      chosen: { trial: number; accuracy: number; macs: number; parameters: number } | undefined;
    }
  | { kind: 'pruned'; step: number; steps: number; macs: number; parameters: number; accuracy: number };

export interface Hooks {
  onEvent(event: RunEvent): void;
  signal?: AbortSignal | undefined;
}

/** Tells each warning once: of files that are read for two networks the same is to be said. */
export function warningOnce(hooks: Hooks): Hooks {
  const told = new Set<string>();
  return {
    ...hooks,
    onEvent: (event) => {
      if (event.kind === 'warning' && told.has(event.message)) return;
      if (event.kind === 'warning') told.add(event.message);
      hooks.onEvent(event);
    },
  };
}
